//! `seawall check`.

use super::{Folder, SCENARIO};

#[test]
fn the_exit_code_says_how_bad_it_is() {
    let folder = Folder::new("check");
    folder.write("good.toml", "[pipelines.a]\nbase = 'standard'\nidempotent = true\n");
    folder.write("same.json", r#"{"pipelines": {"a": {"base": "standard", "idempotent": true}}}"#);
    folder.write("same.yaml", "pipelines:\n  a:\n    base: standard\n    idempotent: true\n");
    for file in ["good.toml", "same.json", "same.yaml"] {
        let output = folder.check(&[file]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(text(&output.stdout), format!("{file}: nothing is wrong\n"));
    }
    folder.write(
        "warned.toml",
        "[pipelines.a]\nlayers = [{ retry = { without_budget = true, idempotent = true } }]\n",
    );
    let output = folder.check(&["warned.toml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).contains("warning: pipelines.a"), "{output:?}");
    folder.write(
        "refused.toml",
        "[pipelines.a]\nbase = 'standard'\ntimeout = '1s'\nattempt_timeout = '2s'\n",
    );
    let output = folder.check(&["refused.toml"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).contains("[sum/attempt-not-below-total]"), "{output:?}");
    folder.write("wrong.toml", "[pipelines.a]\nbase = 'standrd'\n");
    let output = folder.check(&["wrong.toml"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let expected = "wrong.toml:2:1: pipelines.a.base is \"standrd\", but must be a template of kind \
                    pipeline: standard\n";
    assert_eq!(text(&output.stderr), expected);
    let output = folder.check(&["missing.toml"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn as_json_the_same_is_said() {
    let folder = Folder::new("check-json");
    folder.write("wrong.toml", "[pipelines.a]\nbase = 'standard'\ntimeout = 2\n");
    let output = folder.check(&["--json", "wrong.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["mistakes"][0]["path"], "pipelines.a.timeout");
    assert_eq!(json["mistakes"][0]["line"], 3);
    folder.write("unused.toml", "[templates.breaker.b]\nmin_calls = 3\n");
    let output = folder.check(&["--json", "unused.toml"]);
    assert_eq!(output.status.code(), Some(0));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["findings"][0]["rule"], "name/unused-template");
    assert_eq!(json["findings"][0]["severity"], "warning");
}

#[test]
fn a_scenario_is_checked_as_one() {
    let folder = Folder::new("check-scenario");
    folder.write("freeze.toml", SCENARIO);
    let output = folder.check(&["freeze.toml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    folder.write("freeze.toml", &SCENARIO.replace("slots = 4", "slots = 0"));
    let output = folder.check(&["freeze.toml"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("server.slots is 0"), "{output:?}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
