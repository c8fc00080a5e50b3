//! The builder of a server's layer.

use std::time::Duration;

use seawall::guard::panic_guard::OnAbort;
use seawall::{ConfigError, Listener, Listeners, Name, PanicGuard, Pipeline, Random, Shutdown};
use seawall_tower::PipelineLayer;

use super::{ServerLayer, defaults};
use crate::hold::{Acquire, HoldLayer, Unlimited};
use crate::{
    DeadlineHeader, DeadlineReader, HealthLayer, NoPriority, RequestOptions, RespondLayer,
};

/// Builds a [`ServerLayer`].
///
/// | setter | default | why |
/// |---|---|---|
/// | [`at_most`](Self::at_most) | 30 s | as long as most clients and proxies wait |
/// | [`deadline_header`](Self::deadline_header) | `grpc-timeout`, `x-envoy-expected-rq-timeout-ms` | what callers send already |
/// | [`limit`](Self::limit) | none | only the application knows what it can do at once |
/// | [`priority`](Self::priority) | none | only the application knows what matters less |
/// | [`shutdown`](Self::shutdown) | none | it belongs to the process |
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct ServerLayerBuilder<A = Unlimited, P = NoPriority> {
    name: Name,
    at_most: Duration,
    headers: Vec<DeadlineHeader>,
    listeners: Listeners,
    health: Option<HealthLayer>,
    limit: A,
    priority: P,
    random: Random,
}

impl ServerLayerBuilder {
    pub(super) fn new(name: Name) -> Self {
        Self {
            name,
            at_most: defaults::AT_MOST,
            headers: Vec::new(),
            listeners: Listeners::default(),
            health: None,
            limit: Unlimited,
            priority: NoPriority,
            random: Random::default(),
        }
    }
}

impl<A, P> ServerLayerBuilder<A, P> {
    /// The longest that the server works on a request, whatever its caller says: then the handler is
    /// dropped, and the answer is 504. It ends with the head of the answer: a body may take longer.
    /// [`Duration::MAX`] is without a limit.
    pub const fn at_most(mut self, at_most: Duration) -> Self {
        self.at_most = at_most;
        self
    }

    /// Reads the deadline of a request from this header, too.
    pub fn deadline_header(mut self, header: DeadlineHeader) -> Self {
        self.headers.push(header);
        self
    }

    /// Takes a permit for each request from `limit`, to the end of the answer's body: a
    /// [`Bulkhead`](seawall::Bulkhead) or an [`AdaptiveLimit`](seawall::AdaptiveLimit).
    pub fn limit<N: Acquire + Clone>(self, limit: N) -> ServerLayerBuilder<N, P> {
        let Self { name, at_most, headers, listeners, health, priority, random, .. } = self;
        ServerLayerBuilder { name, at_most, headers, listeners, health, limit, priority, random }
    }

    /// Reads how important a request is, so that the least important are refused first: a
    /// [`PriorityHeader`](crate::PriorityHeader) or a function of the request.
    pub fn priority<N: Clone>(self, priority: N) -> ServerLayerBuilder<A, N> {
        let Self { name, at_most, headers, listeners, health, limit, random, .. } = self;
        ServerLayerBuilder { name, at_most, headers, listeners, health, limit, priority, random }
    }

    /// Answers for the readiness and the liveness of the process, as [`HealthLayer`] does.
    pub fn shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.health = Some(HealthLayer::new(shutdown));
        self
    }

    /// Adds a listener that receives the events: panics and timeouts. The limit has its own.
    pub fn listener(self, listener: impl Listener) -> Self {
        self.listeners.add(listener);
        self
    }

    /// The listeners that receive the events, in place of those that were added so far.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.listeners = listeners.clone();
        self
    }

    /// Spreads `Retry-After` by this source of chance.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Builds the layer. Errors name the field and the allowed range.
    pub fn build(self) -> Result<ServerLayer<A, P>, ConfigError>
    where
        A: Acquire + Clone,
    {
        // A server that is built with `panic = "abort"` has no other use for the guard.
        let panics = PanicGuard::builder().name(self.name.clone()).on_abort(OnAbort::Warn);
        let pipeline = Pipeline::builder(self.name).listeners(&self.listeners);
        let deadlines = DeadlineReader::new(self.at_most);
        let deadlines = self.headers.into_iter().fold(deadlines, DeadlineReader::header);
        Ok(ServerLayer {
            health: self.health,
            respond: RespondLayer::new()
                .deadlines(deadlines)
                .random(self.random)
                .panic_guard(panics.listeners(&self.listeners).build()?),
            hold: HoldLayer::new(self.limit).priority(self.priority),
            pipeline: PipelineLayer::new(pipeline.timeout(self.at_most).build()?)
                .options(RequestOptions::new()),
        })
    }
}
