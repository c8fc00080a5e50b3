//! All that goes around the requests of a server, as one layer.

use seawall::policy::{Chain, Identity};
use seawall::{AllTransient, Timeout};
use seawall_tower::{PipelineLayer, PipelineService};
use tower_layer::Layer;

use crate::health::{HealthLayer, HealthService};
use crate::hold::{HoldLayer, HoldService, Unlimited};
use crate::respond::{RespondLayer, RespondService};
use crate::{NoPriority, RequestOptions};

mod config;
pub mod defaults;

pub use config::ServerLayerBuilder;

type Policies = Chain<Identity, Timeout>;

/// All that goes around the requests of a server, as one layer: for an axum router, a tonic service, or
/// any service that speaks in [`http`] types.
///
/// From the outside in:
///
/// | layer | does |
/// |---|---|
/// | [`HealthLayer`], with a [shutdown](ServerLayerBuilder::shutdown) | answers `/health/ready` and `/health/live` |
/// | [`RespondLayer`] | reads the deadline; turns refusals, timeouts and panics into answers |
/// | [`HoldLayer`] | takes a place of the [limit](ServerLayerBuilder::limit), by priority, to the end of the body |
/// | [`PipelineLayer`] | ends the handler at the deadline |
///
/// ```
/// use std::time::Duration;
/// use axum::Router;
/// use axum::routing::get;
/// use seawall::Bulkhead;
/// use seawall_http::{PriorityHeader, ServerLayer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limit = Bulkhead::builder().name("shop").limit(200);
/// let layer = ServerLayer::builder("shop")
///     .at_most(Duration::from_secs(10))
///     .limit(limit.queue(400, Duration::from_millis(100)).by_priority().build()?)
///     .priority(PriorityHeader::new("x-priority")?)
///     .build()?;
/// let routes: Router = Router::new().route("/", get(async || "hello")).layer(layer);
/// # drop(routes);
/// # Ok(())
/// # }
/// ```
///
/// A layer of your own between these is possible by adding them one by one, in this order.
#[derive(Clone, Debug)]
pub struct ServerLayer<A = Unlimited, P = NoPriority> {
    health: Option<HealthLayer>,
    respond: RespondLayer,
    hold: HoldLayer<A, P>,
    pipeline: PipelineLayer<Policies, AllTransient, RequestOptions>,
}

/// A service inside a [`ServerLayer`].
pub type ServerService<S, A = Unlimited, P = NoPriority> =
    HealthService<RespondService<HoldService<Bounded<S>, A, P>>>;

/// A service whose requests end at their deadline.
type Bounded<S> = PipelineService<S, Policies, AllTransient, RequestOptions>;

impl ServerLayer {
    /// Starts a layer for a server called `name` in errors and events.
    pub fn builder(name: impl Into<seawall::Name>) -> ServerLayerBuilder {
        ServerLayerBuilder::new(name.into())
    }
}

impl<S, A: Clone, P: Clone> Layer<S> for ServerLayer<A, P> {
    type Service = ServerService<S, A, P>;

    fn layer(&self, inner: S) -> Self::Service {
        let held = self.hold.layer(self.pipeline.layer(inner));
        HealthService::new(self.respond.layer(held), self.health.clone())
    }
}
