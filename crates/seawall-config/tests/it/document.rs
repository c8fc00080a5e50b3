//! What is wrong with a document, and what its tables inherit.

use seawall::AllTransient;
use seawall_config::{Config, Mistakes, Pipelines};

fn mistakes(text: &str) -> Mistakes {
    Config::from_toml(text).expect_err(text)
}

/// The lines of what is wrong.
fn lines(text: &str) -> Vec<String> {
    mistakes(text).to_string().lines().map(str::to_owned).collect()
}

#[test]
fn five_mistakes_are_five_messages_each_at_its_line() {
    let text = r#"
version = 1
[breakers.warehouse]
min_cals = 50
[pipelines.inventory]
base = "standard"
timeout = 2
breaker = "warehose"
[pipelines.export]
layers = [{ rate_limit = { rate = { permits = 0, period = "1s" } } }]
[pipelines.other]
base = "standrd"
"#;
    let lines = lines(text);
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert!(lines[0].starts_with(
        "toml:4:1: breakers.warehouse.min_cals is unknown, but must be min_calls, or another of: "
    ));
    assert_eq!(
        lines[1],
        "toml:7:1: pipelines.inventory.timeout is 2, but must be a time with its unit, such as \
         \"250ms\", \"1.5s\", \"2m\", or \"never\": \"2s\" or \"2ms\""
    );
    assert_eq!(
        lines[2],
        "toml:8:1: pipelines.inventory.breaker is \"warehose\", but must be a name under `breakers`: \
         warehouse"
    );
    assert_eq!(
        lines[3],
        "toml:10:37: pipelines.export.layers[0].rate_limit.rate.permits is 0, but must be between 1 and \
         9,223,372,036,854,775,807"
    );
    assert_eq!(
        lines[4],
        "toml:12:1: pipelines.other.base is \"standrd\", but must be a template of kind pipeline: \
         standard"
    );
}

#[test]
fn one_mistake_of_each_sort_is_one_message() {
    let deep: String = (1..=10)
        .map(|n| format!("[templates.breaker.t{n}]\nbase = \"t{}\"\n", n + 1))
        .collect::<Vec<_>>()
        .concat();
    let layers = |layers: &str| format!("[pipelines.a]\nlayers = [{layers}]");
    for (text, line, expected) in [
        ("version = 2".to_owned(), 1, "version is 2, made for a later seawall, but must be 1"),
        ("[pipeline.a]".to_owned(), 1, "pipeline is unknown, but must be pipelines"),
        ("[pipelines]\na = 1".to_owned(), 2, "pipelines.a is 1, but must be a table"),
        ("[pipelines.a]".to_owned(), 1, "without layers"),
        ("[breakers.b]\nfailure_rate = 1.5".to_owned(), 2, "above 0 and at most 1"),
        ("[breakers.b]\nfailure_rate = \"x\"".to_owned(), 2, "is \"x\", but must be a number"),
        ("[breakers.b]\nprobes = -1".to_owned(), 2, "a whole number of at least 0"),
        ("[breakers.b]\nprobes = 0".to_owned(), 2, "between 1 and 1,000"),
        ("[breakers.b]\ntally = 1".to_owned(), 2, "true or false"),
        (
            "[breakers.b]\nopen_wait = { max = \"1s\" }".to_owned(),
            2,
            "open_wait.initial is missing",
        ),
        ("[breakers.b]\nabandoned_as = \"failre\"".to_owned(), 2, "must be failure, or another"),
        (
            "[breakers.b]\ncount_window = 5\ntime_window = \"5s\"".to_owned(),
            3,
            "given together with count_window",
        ),
        ("[breakers.b]\nbase = \"c\"".to_owned(), 2, "a template of kind breaker"),
        (
            "[templates.breaker.a]\nbase = \"b\"\n[templates.breaker.b]\nbase = \"a\"\n\
             [breakers.x]\nbase = \"a\""
                .to_owned(),
            4,
            "a → b → a",
        ),
        (format!("{deep}[templates.breaker.t11]\n[breakers.x]\nbase = \"t1\""), 16, "at most 8"),
        (layers("\"guard_panic\""), 2, "must be guard_panics, or another"),
        (layers("{ timeout = \"1s\", retry = {} }"), 2, "a table with one key"),
        (layers("{ retry = {} }, { hedge = {} }"), 2, "a hedge inside of a retry"),
        (layers("{ fallback = {} }"), 2, "without an answer"),
        (layers("{ bulkhead = { lifo = true } }"), 2, "left out where there is no queue"),
        (layers("{ retry = { backoff = \"-1s\" } }"), 2, "a time with its unit"),
        (layers("{ retry = { budget = \"all\" } }"), 2, "left out: there is none"),
        ("[pipelines.a]\nbase = \"standard\"\nlayers = []".to_owned(), 3, "given alone"),
    ] {
        let lines = lines(&text);
        assert_eq!(lines.len(), 1, "{text}\n{lines:#?}");
        assert!(lines[0].contains(expected), "{text}\n{}", lines[0]);
        assert!(lines[0].starts_with(&format!("toml:{line}:")), "{text}\n{}", lines[0]);
    }
}

#[test]
fn two_values_out_of_range_in_one_table_are_two_mistakes() {
    let lines = lines("[breakers.b]\nprobes = 0\nfailure_rate = 7\nslices = 3\nlease = \"0s\"");
    assert_eq!(lines.len(), 4, "{lines:#?}");
}

#[test]
fn what_is_not_the_format_is_refused_at_its_line() {
    for (text, line) in [("a = ", 1), ("[a]\n[a]", 2), ("a = 1\na = 2", 2)] {
        let told = mistakes(text).to_string();
        assert!(told.starts_with(&format!("toml:{line}:")), "{text}: {told}");
    }
    for text in ["{", "{\"a\": 1,}", "{\"a\": 1, \"a\": 2}", "[]", "// no\n{}", "{'a': 1}", "{} {}"]
    {
        let told = Config::from_json(text).expect_err(text).to_string();
        assert!(told.starts_with("json:"), "{text}: {told}");
    }
    for text in [
        "a: [",
        "a: 1\na: 2",
        "- a",
        "a: &x 1\nb: *x",
        "a: !!str 1",
        "a: 1\n---\nb: 1",
        "? [a]\n: b",
    ] {
        let told = Config::from_yaml(text).expect_err(text).to_string();
        assert!(told.starts_with("yaml:"), "{text}: {told}");
    }
    let laughs = "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]";
    assert!(Config::from_yaml(laughs).unwrap_err().to_string().contains("an alias"));
}

#[test]
fn a_document_that_is_too_large_is_refused() {
    let long = "#".repeat((1 << 20) + 1);
    assert!(mistakes(&long).to_string().contains("at most 1048576"));
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(1 << 18), "]".repeat(1 << 18));
    Config::from_json(&deep).unwrap_err();
    let deep = format!("a: {}1{}", "[".repeat(1 << 16), "]".repeat(1 << 16));
    Config::from_yaml(&deep).unwrap_err();
    let deep = format!("a = {}1{}", "[".repeat(1 << 18), "]".repeat(1 << 18));
    mistakes(&deep);
    let deep = format!("a = {}1{}", "[".repeat(40), "]".repeat(40));
    assert!(mistakes(&deep).to_string().contains("more than 32 deep"));
    let many: String =
        (0..4_097).map(|n| format!("[pipelines.p{n}]\n")).collect::<Vec<_>>().concat();
    let told = mistakes(&many);
    assert!(told.iter().any(|it| it.given == "4097 tables"), "{told}");
}

#[test]
fn four_thousand_pipelines_are_built() {
    let many: Vec<_> =
        (0..4_096).map(|n| format!("[pipelines.p{n}]\nlayers = [{{ bulkhead = 1 }}]\n")).collect();
    let config = Config::from_toml(&many.concat()).unwrap();
    let pipelines = Pipelines::builder(&config).build().unwrap();
    assert_eq!(pipelines.names().len(), 4_096);
}

#[test]
fn a_child_wins_a_list_replaces_and_false_removes() {
    let text = r#"
[defaults.breaker]
probes = 3
[templates.breaker.slow]
failure_rate = 0.3
open_wait = { initial = "100ms", max = "1s" }
count_window = 50
[templates.breaker.slower]
base = "slow"
open_wait = { max = "2s" }
[templates.pipeline.patient]
base = "standard"
timeout = "30s"
attempt_timeout = "9s"
breaker = { base = "slower", min_calls = 7 }
[pipelines.child]
base = "patient"
attempt_timeout = false
breaker = { time_window = "10s" }
[pipelines.without]
base = "patient"
breaker = false
[pipelines.sibling]
base = "patient"
"#;
    let config = Config::from_toml(text).unwrap();
    let pipelines = Pipelines::builder(&config).build().unwrap();
    let described = |name| pipelines.describe(name).unwrap().to_string();
    let child = described("child");
    let breaker = child.lines().find(|line| line.contains("breaker")).unwrap();
    for part in ["30%", "10s", "100ms", "2s", "3 probes"] {
        assert!(breaker.contains(part), "{part} in {breaker}");
    }
    assert!(!child.contains("9s"), "{child}");
    assert!(!described("without").contains("breaker"));
    assert!(described("sibling").contains("9s"));
    assert!(described("sibling").contains("50"), "{}", described("sibling"));
}

#[test]
fn variables_of_the_environment_beat_the_file() {
    let config = Config::from_toml(
        "[breakers.ware-house]\nfailure_rate = 0.5\n[pipelines.inventory]\nbase = \"standard\"\n\
         timeout = \"2s\"\nbreaker = \"ware-house\"",
    )
    .unwrap();
    let with = |name: &str, value: &str| {
        config.with_environment([
            (name.to_owned(), value.to_owned()),
            ("PATH".to_owned(), "/bin".to_owned()),
        ])
    };
    let described = |config: &Config| {
        let pipelines = Pipelines::builder(config).build().unwrap();
        pipelines.standard("inventory", AllTransient).unwrap().describe().to_string()
    };
    let five = with("SEAWALL__PIPELINES__INVENTORY__TIMEOUT", "5s").unwrap();
    assert!(described(&five).contains("5s for a call"), "{}", described(&five));
    let never = with("SEAWALL__PIPELINES__INVENTORY__WITHOUT_TIMEOUT", "true").unwrap();
    assert!(described(&never).contains("no limit in time"), "{}", described(&never));
    let tenth = with("SEAWALL__BREAKERS__WARE_HOUSE__FAILURE_RATE", "0.1").unwrap();
    assert!(described(&tenth).contains("10%"), "{}", described(&tenth));
    let nested = with("SEAWALL__BREAKERS__WARE_HOUSE__OPEN_WAIT__INITIAL", "3s").unwrap();
    assert!(described(&nested).contains("3s"), "{}", described(&nested));
    for (name, expected) in [
        ("SEAWALL__PIPELINES__INVENTROY__TIMEOUT", "there is no inventroy, but must be inventory"),
        ("SEAWALL__PIPELINES__INVENTORY__TIMOUT", "timout is unknown"),
        ("SEAWALL__PIPELINES", "is unknown, but must be SEAWALL__, a section"),
        ("SEAWALL__NOTHING__A__B", "there is no nothing"),
    ] {
        let told = with(name, "5s").unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
        assert!(told.starts_with(&format!("{name}: ")), "{told}");
    }
}
