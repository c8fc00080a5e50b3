//! How a table inherits.

use crate::tree::{Node, Table, Value};

/// Keys that say the same thing in different ways: one that is given takes the place of the others
/// that are inherited, and two in one table contradict each other.
pub(crate) const ALTERNATIVES: &[&[&str]] = &[
    &["max_attempts", "unlimited_attempts"],
    &["budget", "own_budget", "without_budget"],
    &["delay", "delay_by", "delay_percentile"],
    &["limit", "limit_by"],
    &["consecutive_failures", "without_consecutive_failures"],
    &["failure_rate", "without_failure_rate"],
    &["count_window", "time_window"],
    &["max_retry_after", "without_retry_after"],
    &["restore", "restore_after"],
    &["rate", "per_second"],
    &["lifo", "by_priority"],
    &["timeout", "without_timeout"],
    &["attempt_timeout", "without_attempt_timeout"],
    &["breaker", "with_breaker", "without_breaker"],
    &["congestion_control", "with_congestion_control", "without_congestion_control"],
    &["initial", "constant", "list", "from_fn"],
    &["aimd", "vegas", "gradient"],
];

/// The other keys that say what `key` says.
pub(crate) fn alternatives(key: &str) -> impl Iterator<Item = &'static str> {
    let group = ALTERNATIVES.iter().find(|group| group.contains(&key));
    group.into_iter().flat_map(|group| group.iter().copied()).filter(move |it| *it != key)
}

/// What `child` is that inherits from `parent`: tables key by key, everything else as the child has it.
pub(crate) fn merge(parent: &Node, child: &Node) -> Node {
    let (Some(inherited), Some(own)) = (parent.table(), child.table()) else {
        return child.clone();
    };
    let mut table: Table = inherited.clone();
    // What a table contradicts is only what it inherits: two of its own keys are a mistake.
    for other in own.keys().flat_map(|key| alternatives(key)) {
        table.remove(other);
    }
    for (key, node) in own {
        let merged = inherited.get(key).map_or_else(|| node.clone(), |before| merge(before, node));
        table.insert(key.clone(), merged);
    }
    Node { value: Value::Table(table), place: child.place.clone() }
}
