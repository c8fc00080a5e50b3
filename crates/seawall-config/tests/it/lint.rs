//! Each rule: one document that has it, and one next to it that has not.

use std::fs;
use std::path::Path;

use seawall_config::{Config, Severity};

fn rules(text: &str) -> Vec<(&'static str, Severity)> {
    let config = Config::from_toml(text).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes}"));
    config.lint().iter().map(|it| (it.rule, it.severity)).collect()
}

fn layers(layers: &str) -> String {
    format!("[pipelines.a]\nlayers = [{layers}]")
}

const RETRY: &str = "{ retry = { idempotent = true } }";

/// The rule, its severity, a document that has it, and one that has not.
#[expect(clippy::too_many_lines, reason = "a table")]
fn pairs() -> Vec<(&'static str, Severity, String, String)> {
    use Severity::{Error, Info, Warning};
    let attempt = "{ attempt_timeout = \"1s\" }";
    vec![
        (
            "order/attempt-timeout-outside-retry",
            Error,
            layers(&format!("{attempt}, {RETRY}")),
            layers(&format!("{RETRY}, {attempt}")),
        ),
        (
            "order/attempt-timeout-outside-breaker",
            Error,
            layers(&format!("{attempt}, {{ breaker = {{}} }}")),
            layers(&format!("{{ breaker = {{}} }}, {attempt}")),
        ),
        (
            "order/limit-outside-attempt-timeout",
            Error,
            layers(&format!("{{ adaptive_limit = {{}} }}, {attempt}")),
            layers(&format!("{attempt}, {{ adaptive_limit = {{}} }}")),
        ),
        (
            "order/fallback-inside-retry",
            Error,
            layers(&format!("{RETRY}, {{ fallback = \"x\" }}")),
            layers(&format!("{{ fallback = \"x\" }}, {RETRY}")),
        ),
        (
            "order/fallback-inside-breaker",
            Error,
            layers("{ breaker = {} }, { fallback = \"x\" }"),
            layers("{ fallback = \"x\" }, { breaker = {} }"),
        ),
        (
            "order/breaker-outside-retry",
            Warning,
            layers(&format!("{{ breaker = {{}} }}, {RETRY}")),
            layers(&format!("{RETRY}, {{ breaker = {{}} }}")),
        ),
        (
            "order/limit-outside-retry",
            Warning,
            layers(&format!("{{ bulkhead = 5 }}, {RETRY}")),
            layers(&format!("{RETRY}, {{ bulkhead = 5 }}")),
        ),
        (
            "order/panic-guard-outermost",
            Warning,
            layers("\"guard_panics\", { breaker = {} }"),
            layers("{ breaker = {} }, \"guard_panics\""),
        ),
        (
            "order/rate-limit-inside-retry",
            Info,
            layers(&format!("{RETRY}, {{ rate_limit = {{}} }}")),
            layers(&format!("{{ rate_limit = {{}} }}, {RETRY}")),
        ),
        (
            "sum/attempt-not-below-total",
            Error,
            "[pipelines.a]\nbase = \"standard\"\ntimeout = \"1s\"\nattempt_timeout = \"1s\"".into(),
            "[pipelines.a]\nbase = \"standard\"\ntimeout = \"2s\"\nattempt_timeout = \"1s\"".into(),
        ),
        (
            "sum/attempts-do-not-fit",
            Warning,
            layers(&format!("{{ timeout = \"2s\" }}, {RETRY}, {attempt}")),
            layers(&format!("{{ timeout = \"4s\" }}, {RETRY}, {attempt}")),
        ),
        (
            "sum/open-longer-than-timeout",
            Warning,
            layers("{ timeout = \"1s\" }, { breaker = { open_wait = \"11s\" } }"),
            layers("{ timeout = \"1s\" }, { breaker = { open_wait = \"10s\" } }"),
        ),
        (
            "sum/queue-longer-than-timeout",
            Warning,
            layers(
                "{ timeout = \"1s\" }, { bulkhead = { queue = { capacity = 5, longest_wait = \"1s\" } } }",
            ),
            layers(
                "{ timeout = \"1s\" }, { bulkhead = { queue = { capacity = 5, longest_wait = \"10ms\" } } }",
            ),
        ),
        ("retry/not-idempotent", Info, layers("{ retry = {} }"), layers(RETRY)),
        (
            "retry/no-budget",
            Warning,
            layers("{ retry = { without_budget = true } }"),
            layers("{ retry = {} }"),
        ),
        (
            "retry/no-attempt-timeout",
            Warning,
            layers(RETRY),
            layers(&format!("{RETRY}, {attempt}")),
        ),
        (
            "breaker/window-too-small",
            Warning,
            "[pipelines.a]\nexpected_load = { per_second = 1 }\n\
             layers = [{ breaker = { failure_rate = 0.5, time_window = \"10s\", min_calls = 20 } }]"
                .into(),
            "[pipelines.a]\nexpected_load = { per_second = 10 }\n\
             layers = [{ breaker = { failure_rate = 0.5, time_window = \"10s\", min_calls = 20 } }]"
                .into(),
        ),
        (
            "limit/below-expected-load",
            Warning,
            "[pipelines.a]\nexpected_load = { per_second = 100, taking = \"100ms\" }\n\
             layers = [{ bulkhead = 5 }]"
                .into(),
            "[pipelines.a]\nexpected_load = { per_second = 100, taking = \"100ms\" }\n\
             layers = [{ bulkhead = 50 }]"
                .into(),
        ),
        ("share/budget-of-many", Info, sharing(200), sharing(199)),
        (
            "name/unused-template",
            Warning,
            "[templates.breaker.slow]\nmin_calls = 5".into(),
            "[templates.breaker.slow]\nmin_calls = 5\n[pipelines.a]\nbase = \"standard\"\n\
             breaker = { base = \"slow\" }"
                .into(),
        ),
        (
            "name/unused-policy",
            Warning,
            "[breakers.slow]".into(),
            "[breakers.slow]\n[pipelines.a]\nbase = \"standard\"\nbreaker = \"slow\"".into(),
        ),
        (
            "name/duplicate",
            Warning,
            "[breakers.a]\n[pipelines.a]\nlayers = [{ breaker = {} }]\n\
             [pipelines.b]\nlayers = [{ breaker = \"a\" }]"
                .into(),
            "[breakers.shared]\n[pipelines.a]\nlayers = [{ breaker = {} }]\n\
             [pipelines.b]\nlayers = [{ breaker = \"shared\" }]"
                .into(),
        ),
        ("name/shadowed-key", Warning, shadowing("min_calls = 6"), shadowing("probes = 2")),
    ]
}

fn sharing(calls: u32) -> String {
    format!(
        "[budgets.all]\n\
         [pipelines.a]\nexpected_load = {{ per_second = 2 }}\nlayers = [{{ retry = {{ budget = \"all\" }} }}]\n\
         [pipelines.b]\nexpected_load = {{ per_second = {calls} }}\nlayers = [{{ retry = {{ budget = \"all\" }} }}]"
    )
}

fn shadowing(own: &str) -> String {
    format!(
        "[templates.breaker.slow]\nmin_calls = 5\n\
         [breakers.one]\nbase = \"slow\"\nmin_calls = 7\n[breakers.two]\nbase = \"slow\"\n{own}\n\
         [pipelines.a]\nlayers = [{{ breaker = \"one\" }}, {{ breaker = \"two\" }}]"
    )
}

#[test]
fn each_rule_finds_what_has_it_and_nothing_next_to_it() {
    for (rule, severity, with, without) in pairs() {
        let found = rules(&with);
        assert!(found.contains(&(rule, severity)), "{rule} is not found in\n{with}\n{found:?}");
        let found = rules(&without);
        assert!(found.iter().all(|it| it.0 != rule), "{rule} is found in\n{without}");
    }
}

/// A rule that nobody wrote a pair for.
#[test]
fn every_rule_of_the_facade_has_a_pair() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seawall/src/findings");
    // A document can't have them: no chaos, one layer that repeats, no weight.
    let without = [
        "order/chaos-not-innermost",
        "order/panics-without-guard",
        "sum/amplification",
        "sum/heavier-than-limit",
    ];
    let pairs = pairs();
    for file in fs::read_dir(folder).unwrap() {
        let source = fs::read_to_string(file.unwrap().path()).unwrap();
        for quoted in source.split('"').skip(1).step_by(2) {
            let is_rule = ["order/", "sum/", "retry/", "breaker/", "limit/", "share/"]
                .iter()
                .any(|family| quoted.starts_with(family));
            if is_rule && !without.contains(&quoted) {
                assert!(pairs.iter().any(|it| it.0 == quoted), "no pair for {quoted}");
            }
        }
    }
}

#[test]
fn the_standard_pipeline_and_the_examples_have_no_finding() {
    // The facade's own word on it: that nobody has said whether operations may be repeated.
    let by_hand = seawall::Pipeline::standard("a").build().unwrap();
    let by_hand: Vec<_> = by_hand.findings().iter().map(|it| (it.rule, it.severity)).collect();
    assert_eq!(rules("[pipelines.a]\nbase = \"standard\""), by_hand);
    assert!(by_hand.iter().all(|it| it.1 == Severity::Info), "{by_hand:?}");
    let everything = "[pipelines.a]\nbase = \"standard\"\nidempotent = true\ntimeout = \"2s\"\n\
                      breaker = { failure_rate = 0.5 }";
    assert_eq!(rules(everything), []);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/settings");
    let mut count = 0;
    for file in
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let file = file.unwrap().path();
        let config = Config::from_file(&file).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(config.lint(), [], "{}", file.display());
        count += 1;
    }
    assert!(count > 0);
}

/// What a rule refuses can't be built either, and the message names the line.
#[test]
fn an_error_of_a_rule_is_one_of_build() {
    for (rule, severity, with, _) in pairs() {
        let config = Config::from_toml(&with).unwrap();
        let build = seawall_config::Pipelines::builder(&config)
            .fallback("x", || seawall::Fallback::<u32, std::io::Error>::value(1))
            .build();
        assert_eq!(build.is_err(), severity == Severity::Error, "{rule}: {build:?}");
    }
}
