//! The keys of a document, as a list.

use seawall::StandardBuilder;
use seawall::breaker::BreakerBuilder;
use seawall::guard::{PanicGuardBuilder, TimeoutBuilder};
use seawall::limit::{
    AdaptiveLimitBuilder, BulkheadBuilder, CongestionControlBuilder, RateLimitBuilder,
    ThrottleBuilder,
};
use seawall::retry::{BudgetBuilder, HedgeBuilder, RetryBuilder};

use crate::keys::{FallbackSettings, Keyed};
use crate::layers::LAYERS;

/// One key of a document's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// The kind of table: `"breaker"`; `"layers"` for what a list of layers may hold.
    pub table: &'static str,
    /// The key, which is the name of the setter.
    pub key: &'static str,
    /// Whether a policy that runs takes another value. One that does not is built anew where it is a
    /// layer of a list; elsewhere a reload refuses to change it.
    pub live: bool,
}

/// All keys of all tables.
pub fn keys() -> Vec<KeyInfo> {
    let mut all = Vec::new();
    add::<StandardBuilder>(&mut all);
    add::<BreakerBuilder>(&mut all);
    add::<BudgetBuilder>(&mut all);
    add::<RetryBuilder>(&mut all);
    add::<HedgeBuilder>(&mut all);
    add::<TimeoutBuilder>(&mut all);
    add::<PanicGuardBuilder>(&mut all);
    add::<FallbackSettings>(&mut all);
    add::<BulkheadBuilder>(&mut all);
    add::<RateLimitBuilder>(&mut all);
    add::<AdaptiveLimitBuilder>(&mut all);
    add::<ThrottleBuilder>(&mut all);
    add::<CongestionControlBuilder>(&mut all);
    let layer = |layer: &(&'static str, _)| KeyInfo { table: "layers", key: layer.0, live: true };
    all.extend(LAYERS.iter().map(layer));
    all
}

fn add<B: Keyed>(all: &mut Vec<KeyInfo>) {
    let table = B::KIND.word();
    all.extend(B::KEYS.iter().map(|key| KeyInfo { table, key: key.name, live: key.live }));
}
