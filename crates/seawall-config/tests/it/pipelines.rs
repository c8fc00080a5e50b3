//! Pipelines that a document builds.

use std::time::Duration;

use seawall::{Class, Fallback, Pipeline, Timeout};
use seawall_config::{Config, PipelineError, Pipelines};

type Failure = std::io::Error;

fn built(text: &str) -> Pipelines {
    Pipelines::builder(&Config::from_toml(text).unwrap()).build().unwrap()
}

#[test]
fn the_standard_base_describes_itself_as_the_standard_pipeline_does() {
    let pipelines = built("[pipelines.inventory]\nbase = \"standard\"");
    let by_hand = Pipeline::standard("inventory").build().unwrap();
    let from_file = pipelines.standard("inventory", seawall::AllTransient).unwrap();
    assert_eq!(from_file.describe().to_string(), by_hand.describe().to_string());
    assert_eq!(from_file.describe(), by_hand.describe());
    assert_eq!(pipelines.describe("inventory").unwrap(), by_hand.describe());

    let pipelines = built(
        r#"
        [pipelines.inventory]
        base = "standard"
        idempotent = true
        timeout = "2s"
        attempt_timeout = "500ms"
        breaker = { failure_rate = 0.3, open_wait = { initial = "100ms", max = "1s" } }
        congestion_control = { max_attempts = 5, while_down = "refuse" }
        "#,
    );
    let second = Duration::from_secs(1);
    let by_hand = Pipeline::standard("inventory")
        .idempotent()
        .timeout(2 * second)
        .attempt_timeout(second / 2)
        .breaker(|breaker| {
            let wait = seawall::Backoff::exponential(second / 10).max(second);
            breaker.failure_rate(0.3).open_wait(wait)
        })
        .congestion_control(|it| it.max_attempts(5).while_down(seawall::WhileDown::Refuse))
        .build()
        .unwrap();
    let from_file = pipelines.standard("inventory", seawall::AllTransient).unwrap();
    assert_eq!(from_file.describe(), by_hand.describe());
}

#[tokio::test(start_paused = true)]
async fn layers_stand_in_the_order_of_the_list() {
    let pipelines = built(
        r#"
        [budgets.all]
        reserve = 2
        [pipelines.export]
        layers = [
            { timeout = "30s" },
            { rate_limit = { per_second = 10 } },
            { retry = { max_attempts = 3, idempotent = true, budget = "all", backoff = "10ms" } },
            { breaker = { consecutive_failures = 50 } },
            { attempt_timeout = "5s" },
            "guard_panics",
        ]
        "#,
    );
    let export = pipelines.boxed::<u32, Failure, _>("export", seawall::AllTransient).unwrap();
    let kinds: Vec<_> =
        export.describe().layers().iter().map(|layer| layer.kind.to_string()).collect();
    let order = ["timeout", "rate limit", "retry", "breaker", "timeout", "panic guard"];
    assert_eq!(kinds, order);
    let answer = export
        .call_with(|attempt| async move {
            if attempt.number() < 3 { Err(Failure::other("not yet")) } else { Ok(attempt.number()) }
        })
        .await;
    assert_eq!(answer.unwrap(), 3);
    let panicked = export.call(|| async { panic!("at the disco") }).await.unwrap_err();
    assert_eq!(panicked.class(), Class::Panicked);
    let never = export.call(std::future::pending).await.unwrap_err();
    assert!(never.is_timeout(), "{never}");
}

#[tokio::test]
async fn code_is_named_by_the_document() {
    let text = r#"
        [pipelines.prices]
        classify = "io"
        layers = [{ fallback = { or_value = "zero", max_concurrent = 2 } }, { timeout = { limit_by = "tight" } }]
    "#;
    let config = Config::from_toml(text).unwrap();
    let mistakes = Pipelines::builder(&config).build().unwrap_err().to_string();
    assert_eq!(mistakes.lines().count(), 3, "{mistakes}");
    assert!(mistakes.contains("registers none for this key"), "{mistakes}");
    let permanent: fn(&Failure) -> Class = |_| Class::Permanent;
    let build = Pipelines::builder(&config)
        .classifier("io", permanent)
        .fallback("nothing", || Fallback::<u32, Failure>::value(0))
        .limit_by("tight", |_| Duration::from_secs(1));
    let mistakes = build.clone().build().unwrap_err().to_string();
    let expected = "toml:4:34: pipelines.prices.layers[0].fallback.or_value is \"zero\", but must be \
                    registered by the program: one of: nothing";
    assert_eq!(mistakes, expected);
    let pipelines = build.fallback("zero", || Fallback::<u32, Failure>::value(0)).build().unwrap();

    let classifier = pipelines.classifier::<fn(&Failure) -> Class>("prices").unwrap();
    let error = pipelines.boxed::<String, Failure, _>("prices", classifier).unwrap_err();
    assert!(matches!(error, PipelineError::OtherType { .. }), "{error}");
    let prices = pipelines.boxed::<u32, Failure, _>("prices", seawall::AllTransient).unwrap();
    let answer = prices.call(|| async { Err(Failure::other("down")) }).await;
    assert_eq!(answer.unwrap(), 0);
}

#[tokio::test]
async fn a_policy_of_the_programs_own_is_a_layer() {
    let text = "[pipelines.export]\nlayers = [{ layer = \"mine\" }, { retry = {} }]";
    let config = Config::from_toml(text).unwrap();
    let mine = Timeout::builder().name("mine").limit(Duration::from_secs(1)).build().unwrap();
    let pipelines =
        Pipelines::builder(&config).layer::<u32, Failure, _>("mine", mine).build().unwrap();
    let export = pipelines.boxed::<u32, Failure, _>("export", seawall::AllTransient).unwrap();
    assert_eq!(export.describe().layers()[0].name.as_str(), "mine");
    assert_eq!(export.call(|| async { Ok(4) }).await.unwrap(), 4);
}

#[test]
fn a_wrong_name_is_answered_with_the_right_one() {
    let pipelines = built("[pipelines.inventory]\nlayers = [{ bulkhead = 3 }]");
    let error = pipelines.standard("inventroy", seawall::AllTransient).unwrap_err();
    assert_eq!(error.to_string(), "there is no pipeline 'inventroy': the name must be inventory");
    let error = pipelines.standard("inventory", seawall::AllTransient).unwrap_err();
    assert!(matches!(error, PipelineError::NotStandard { .. }));
}
