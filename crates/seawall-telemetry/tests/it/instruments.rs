//! Names, labels and units are what dashboards and alerts of users are written against.

use std::fmt::Write;

use seawall_telemetry::InstrumentKind;
use seawall_telemetry::instrument::INSTRUMENTS;

#[test]
fn this_breaks_dashboards() {
    let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let mut found = String::new();
    for it in INSTRUMENTS {
        let labels = or_none(&it.labels.join(" "));
        let (kind, unit) = (it.kind.as_str(), or_none(it.unit));
        writeln!(found, "{} | {} | {kind} | {unit} | {labels}", it.name, it.otel_name).unwrap();
    }
    let golden = include_str!("instruments.golden");
    assert!(
        found == golden,
        "this breaks dashboards: a name, label or unit that is exported has changed. A new one goes \
         into tests/it/instruments.golden; an old one stays. Found:\n{found}"
    );
}

#[test]
fn names_follow_the_rules_of_prometheus() {
    for it in INSTRUMENTS {
        let is_counter = it.kind == InstrumentKind::Counter;
        assert_eq!(it.name.ends_with("_total"), is_counter, "{}", it.name);
        let base = it.name.strip_suffix("_total").unwrap_or(it.name);
        assert!(it.unit.is_empty() || base.ends_with(it.unit), "{}", it.name);
        assert!(it.name.starts_with("seawall_") && it.otel_name.starts_with("seawall."));
        assert!(it.labels.len() <= 3, "{}", it.name);
    }
    let mut names: Vec<_> = INSTRUMENTS.iter().flat_map(|it| [it.name, it.otel_name]).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 2 * INSTRUMENTS.len());
}
