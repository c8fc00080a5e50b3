//! The alerts and the dashboard that the crate ships.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use seawall_telemetry::InstrumentKind;
use seawall_telemetry::instrument::INSTRUMENTS;
use serde_json::Value;

use crate::prometheus::promtool;

const ALERTS: &str = include_str!("../../assets/alerts.yml");
const DASHBOARD: &str = include_str!("../../assets/dashboard.json");

fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name)
}

#[test]
fn promtool_accepts_the_alerts_and_each_fires_for_what_it_is_for() {
    for (command, file) in [("check", "alerts.yml"), ("test", "alerts.test.yml")] {
        let file = asset(file);
        let arguments = [command, "rules", file.to_str().expect("a path in UTF-8")];
        let Some(output) = promtool(&arguments, "") else { return };
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && said.contains("SUCCESS"), "{said}");
    }
}

#[test]
fn every_alert_is_in_a_test() {
    let tests = include_str!("../../assets/alerts.test.yml");
    let alerts = ALERTS.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let missing: Vec<_> =
        alerts.filter(|it| !tests.contains(&format!("alertname=\"{it}\""))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The words of `text` that look like a name of ours.
fn names(text: &str) -> BTreeSet<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_word(c)).filter(|word| word.starts_with("seawall_")).collect()
}

#[test]
fn alerts_and_dashboard_name_only_instruments_that_exist() {
    let mut known = BTreeSet::new();
    for it in INSTRUMENTS {
        known.insert(it.name.to_owned());
        if it.kind == InstrumentKind::Histogram {
            known.extend(["bucket", "sum", "count"].map(|suffix| format!("{}_{suffix}", it.name)));
        }
    }
    for text in [ALERTS, DASHBOARD] {
        let unknown: Vec<_> = names(text).into_iter().filter(|it| !known.contains(*it)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}

#[test]
fn the_dashboard_has_what_grafana_asks_for() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    assert!(dashboard["schemaVersion"].as_u64().is_some_and(|it| it >= 36));
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    assert!(variables.iter().any(|it| it["type"] == "datasource"));
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<_> = panels.iter().map(|it| it["id"].as_u64().expect("a number")).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        assert!(panel["targets"].as_array().is_some_and(|it| !it.is_empty()), "{panel}");
        let place = &panel["gridPos"];
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{panel}");
    }
}
