//! Every setter of a builder has a key of the same name, and every key is a setter.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What a document can't give, as it belongs to a place in the program or is one for all.
const WITHOUT_KEY: [&str; 8] = [
    "name",
    "listener",
    "listeners",
    "random",
    "shutdown",
    "shutdown_token",
    "build",
    "into_policy",
];

/// The builder of each kind of table.
const BUILDERS: [(&str, &str); 14] = [
    ("pipeline", "StandardBuilder"),
    ("breaker", "BreakerBuilder"),
    ("budget", "BudgetBuilder"),
    ("retry", "RetryBuilder"),
    ("hedge", "HedgeBuilder"),
    ("timeout", "TimeoutBuilder"),
    ("panic_guard", "PanicGuardBuilder"),
    ("fallback", "FallbackBuilder"),
    ("bulkhead", "BulkheadBuilder"),
    ("rate_limit", "RateLimitBuilder"),
    ("adaptive_limit", "AdaptiveLimitBuilder"),
    ("throttle", "ThrottleBuilder"),
    ("congestion_control", "CongestionControlBuilder"),
    ("layers", "PipelineBuilder"),
];

/// Builders that no pipeline of a document is made of, with the reason.
const NOT_FROM_A_FILE: [&str; 7] = [
    // The gate is `shutdown` of the program's builder.
    "ShutdownGateBuilder",
    // Parts of a process, not of a pipeline.
    "ShutdownBuilder",
    "WorkerPoolBuilder",
    "SupervisorBuilder",
    "TasksBuilder",
    // Blocking work of a timeout outside of a pipeline.
    "BlockingBuilder",
    "DetachBuilder",
];

/// The snapshots of the public API of the crates whose policies the facade has.
fn snapshots() -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api");
    let crates = [
        "seawall",
        "seawall-breaker",
        "seawall-guard",
        "seawall-limit",
        "seawall-retry",
        "seawall-shutdown",
    ];
    let read = |name: &str| {
        let file = docs.join(format!("{name}.txt"));
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    crates.map(read).join("\n")
}

/// The builder and the name of a method that takes `self`.
fn setter(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("pub ")?;
    let line = line.strip_prefix("const ").unwrap_or(line).strip_prefix("fn ")?;
    let (path, arguments) = line.split_once('(')?;
    if !arguments.starts_with("self") {
        return None;
    }
    let (owner, method) = split(path)?;
    let (_, owner) = split(owner).unwrap_or(("", owner));
    let owner = owner.split('<').next()?;
    let method = method.split('<').next()?;
    owner.ends_with("Builder").then_some((owner, method))
}

/// What is before and after the last `::` outside of angle brackets.
fn split(path: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    for (at, letter) in path.char_indices().rev() {
        match letter {
            '>' => depth += 1,
            '<' => depth -= 1,
            ':' if depth == 0 => return Some((&path[..at - 1], &path[at + 1..])),
            _ => {}
        }
    }
    None
}

fn setters(api: &str, builder: &str) -> BTreeSet<String> {
    let found = api.lines().filter_map(setter).filter(|(owner, _)| *owner == builder);
    let named = found.map(|(_, method)| method).filter(|method| !WITHOUT_KEY.contains(method));
    named.map(str::to_owned).collect()
}

fn keys(table: &str) -> BTreeSet<String> {
    let keys = seawall_config::keys();
    keys.iter().filter(|it| it.table == table).map(|it| it.key.to_owned()).collect()
}

#[test]
fn every_setter_has_a_key_and_every_key_is_a_setter() {
    let api = snapshots();
    for (table, builder) in BUILDERS {
        let setters = setters(&api, builder);
        assert!(setters.len() > 1, "{builder} has no setters in the snapshot: {setters:?}");
        let mut keys = keys(table);
        if table == "layers" {
            // Its builder has no method of its own for it; `layer` takes it.
            assert!(keys.remove("congestion_control"));
            // Keys of the pipeline itself.
            keys.extend(["classify", "expected_load"].map(str::to_owned));
        }
        let missing: Vec<_> = setters.difference(&keys).collect();
        assert!(missing.is_empty(), "setters of {builder} without a key: {missing:?}");
        let unknown: Vec<_> = keys.difference(&setters).collect();
        assert!(unknown.is_empty(), "keys of `{table}` that {builder} does not have: {unknown:?}");
    }
}

/// A builder that nobody thought of.
#[test]
fn every_builder_of_a_policy_has_a_table() {
    let api = snapshots();
    let builders: BTreeSet<&str> = api.lines().filter_map(setter).map(|(owner, _)| owner).collect();
    let known = |builder: &&&str| {
        BUILDERS.iter().any(|it| it.1 == **builder) || NOT_FROM_A_FILE.contains(*builder)
    };
    let unknown: Vec<_> = builders.iter().filter(|builder| !known(builder)).collect();
    assert!(unknown.is_empty(), "builders without a table: {unknown:?}");
}

#[test]
fn a_key_with_another_name_is_noticed() {
    let api = snapshots().replace("BreakerBuilder::min_calls(", "BreakerBuilder::least_calls(");
    let setters = setters(&api, "BreakerBuilder");
    let keys = keys("breaker");
    assert_eq!(setters.difference(&keys).collect::<Vec<_>>(), ["least_calls"]);
    assert_eq!(keys.difference(&setters).collect::<Vec<_>>(), ["min_calls"]);
}
