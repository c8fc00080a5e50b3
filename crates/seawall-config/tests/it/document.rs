//! What a document says, and what is wrong with it.

use seawall_config::Config;

#[test]
fn mistakes_show() {
    let text = r#"
version = 1
[templates.breaker.slow]
failure_rate = 0.3
open_wait = { initial = "100ms", max = "1s" }
[breakers.warehouse]
base = "slow"
min_cals = 50
[pipelines.inventory]
base = "standard"
idempotent = true
timeout = 2
breaker = "warehose"
[pipelines.export]
layers = [{ timeout = "30s" }, { rate_limit = { rate = { permits = 0, period = "1s" } } }, "guard_panics"]
[pipelines.other]
base = "standrd"
"#;
    let mistakes = Config::from_toml(text).unwrap_err();
    println!("{mistakes}");
}
