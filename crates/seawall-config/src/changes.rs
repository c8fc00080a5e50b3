//! What a reload has changed.

use std::fmt;

use crate::kind::Kind;
use crate::tree::{Node, Value};

/// What [`apply`](crate::Pipelines::apply) has changed, field by field. Displayed, each has a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(pub(crate) Vec<Change>);

/// One field that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The field: `pipelines.inventory.timeout`; or a whole table that has come or gone.
    pub path: String,
    /// What it was; `None` where the default was in force.
    pub old: Option<String>,
    /// What it is; `None` where the default is in force.
    pub new: Option<String>,
    /// What stays as it was.
    pub kept: &'static str,
    /// What is gone; empty where nothing is.
    pub lost: &'static str,
}

impl Changes {
    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Change> {
        self.0.iter()
    }

    /// Whether nothing has changed.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'c> IntoIterator for &'c Changes {
    type Item = &'c Change;
    type IntoIter = std::slice::Iter<'c, Change>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Change {
    /// `breakers.warehouse.min_calls: 20 → 50 (kept: state, window and totals)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "default".to_owned());
        write!(f, "{}: {} → {}", self.path, shown(&self.old), shown(&self.new))?;
        match (self.kept, self.lost) {
            ("", "") => Ok(()),
            (kept, "") => write!(f, " (kept: {kept})"),
            ("", lost) => write!(f, " (lost: {lost})"),
            (kept, lost) => write!(f, " (kept: {kept}; lost: {lost})"),
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing has changed");
        }
        for (index, change) in self.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{change}")?;
        }
        Ok(())
    }
}

/// A key of two tables that is not the same in both.
pub(crate) struct Difference<'n> {
    pub(crate) key: &'n str,
    pub(crate) old: Option<&'n Node>,
    pub(crate) new: Option<&'n Node>,
}

/// The keys in which two tables differ.
pub(crate) fn differences<'n>(old: &'n Node, new: &'n Node) -> Vec<Difference<'n>> {
    let entries = |node: &'n Node| node.table().into_iter().flatten();
    let mut keys: Vec<&str> = entries(old).chain(entries(new)).map(|it| it.0.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let difference = |key: &'n str| Difference { key, old: old.get(key), new: new.get(key) };
    keys.into_iter().map(difference).filter(|it| it.old != it.new).collect()
}

/// What of two values differs, down to the field.
pub(crate) fn describe(
    path: &str,
    old: Option<&Node>,
    new: Option<&Node>,
    (kept, lost): (&'static str, &'static str),
    changes: &mut Vec<Change>,
) {
    if let (Some(Node { value: Value::Table(_), .. }), Some(Node { value: Value::Table(_), .. })) =
        (old, new)
        && let (Some(old), Some(new)) = (old, new)
    {
        for it in differences(old, new) {
            describe(&format!("{path}.{}", it.key), it.old, it.new, (kept, lost), changes);
        }
        return;
    }
    let shown = |node: Option<&Node>| node.map(ToString::to_string);
    changes.push(Change { path: path.to_owned(), old: shown(old), new: shown(new), kept, lost });
}

/// What a policy that runs keeps, and what it loses, when `key` changes.
pub(crate) fn effect(kind: Kind, key: &str) -> (&'static str, &'static str) {
    match (kind, key) {
        (Kind::Breaker, _) => ("state, time left, window and totals", ""),
        (Kind::Budget, _) => ("tokens, as far as they fit", ""),
        (Kind::Retry, _) => ("tokens; calls that have failed once go on by the old rules", ""),
        (Kind::Hedge, _) => ("latencies and tokens", ""),
        (Kind::Timeout, _) => ("timers that run", ""),
        (Kind::Bulkhead, _) => ("permits and queue", ""),
        (Kind::RateLimit, _) => ("permits that were taken, and the queue", ""),
        (Kind::AdaptiveLimit, "adaptation") => {
            ("the limit, as far as it is in range", "what the algorithm has measured")
        }
        (Kind::AdaptiveLimit, _) => ("the limit, as far as it is in range; permits", ""),
        (Kind::Throttle, "window") => ("", "what was counted"),
        (Kind::Throttle, _) => ("what was counted", ""),
        (Kind::CongestionControl, _) => ("what was measured, requests in flight, an outage", ""),
        (Kind::PanicGuard | Kind::Fallback | Kind::Pipeline, _) => ("", ""),
    }
}
