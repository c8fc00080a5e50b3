//! The policies that a document has under names of their own.

use seawall::policy::LayerContext;
use seawall::{
    AdaptiveLimit, Breaker, Budget, Bulkhead, ConfigError, CongestionControl, Hedge, Layer,
    Listeners, RateLimit, Retry, Throttle,
};

use crate::code::{Code, Named};
use crate::document::Document;
use crate::keys::{self, Keyed};
use crate::mistakes::Notes;
use crate::reader::Reader;

/// Policies that are built once, to be shared.
#[derive(Clone, Default)]
pub(crate) struct Policies {
    pub(crate) budgets: Named<Budget>,
    pub(crate) breakers: Named<Breaker>,
    pub(crate) retries: Named<Retry>,
    pub(crate) hedges: Named<Hedge>,
    pub(crate) bulkheads: Named<Bulkhead>,
    pub(crate) rate_limits: Named<RateLimit>,
    pub(crate) adaptive_limits: Named<AdaptiveLimit>,
    pub(crate) throttles: Named<Throttle>,
    pub(crate) congestion_controls: Named<CongestionControl>,
}

impl Policies {
    /// Builds those of a document. Their context has the listeners, the token and the source of random
    /// numbers of all pipelines.
    ///
    /// Those that are in `running` already stay what they are, once what the document says of them was
    /// seen to build.
    pub(crate) fn build(
        document: &Document,
        code: Option<&Code>,
        context: &LayerContext,
        running: &Self,
        notes: &mut Notes,
    ) -> Self {
        let mut all = Self::default();
        // Retries and hedges may name a budget.
        all.budgets = section(document, &all, code, notes, Budget::builder, |name, budget| {
            budget.name(name).listeners(&context.listeners).build()
        });
        keep(&mut all.budgets, &running.budgets);
        macro_rules! build {
            ($section:ident, $policy:ident) => {
                all.$section =
                    section(document, &all, code, notes, $policy::builder, |name, it| {
                        layer(it.name(name), context)
                    });
                keep(&mut all.$section, &running.$section);
            };
        }
        build!(breakers, Breaker);
        build!(retries, Retry);
        build!(hedges, Hedge);
        build!(bulkheads, Bulkhead);
        build!(rate_limits, RateLimit);
        build!(adaptive_limits, AdaptiveLimit);
        build!(throttles, Throttle);
        build!(congestion_controls, CongestionControl);
        all
    }
}

/// Puts those that run in the place of those that were built anew.
fn keep<P: Clone>(built: &mut Named<P>, running: &Named<P>) {
    for (name, policy) in built {
        if let Some(before) = running.get(name) {
            *policy = before.clone();
        }
    }
}

fn layer<L: Layer>(builder: L, context: &LayerContext) -> Result<L::Policy, ConfigError> {
    // The listeners are given to the policy itself: a pipeline adds its own.
    builder.into_policy(context)
}

fn section<B: Keyed, P>(
    document: &Document,
    policies: &Policies,
    code: Option<&Code>,
    notes: &mut Notes,
    new: fn() -> B,
    build: impl Fn(&str, B) -> Result<P, ConfigError>,
) -> Named<P> {
    let mut named = Named::new();
    for (name, node) in document.section(B::KIND) {
        let mut reader = Reader::new(document, policies, code, notes);
        let policy = reader.within(B::KIND.section().unwrap_or_default(), |reader| {
            reader.within(name, |reader| {
                let node = reader.inherited(B::KIND, node)?;
                keys::build(new, &node, reader, |builder| build(name, builder))
            })
        });
        if let Some(policy) = policy {
            named.insert(name.to_owned(), policy);
        }
    }
    named
}

/// The context of policies that no pipeline has for itself.
pub(crate) fn context(listeners: &Listeners) -> LayerContext {
    let mut context = LayerContext::new("shared");
    context.listeners = listeners.clone();
    context
}
