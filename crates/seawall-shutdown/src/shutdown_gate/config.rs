use seawall_core::{ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind, Setup};
use tokio_util::sync::CancellationToken;

use super::ShutdownGate;
use super::shared::Shared;
use super::token_flag::TokenFlag;
use crate::{InFlight, Shutdown};

/// Builds a [`ShutdownGate`]. Without a name, token or listeners of its own it takes those of the
/// pipeline that it is added to.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct ShutdownGateBuilder {
    setup: Setup,
    /// Not in `setup`: a gate that counts takes no token from the pipeline.
    shutdown: Option<CancellationToken>,
    in_flight: Option<InFlight>,
}

impl ShutdownGateBuilder {
    /// The name in errors and events. Default: the pipeline's, or `shutdown`.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// Refuses once `token` is cancelled. Default: the pipeline's token, unless the gate counts.
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.shutdown = Some(token);
        self
    }

    /// Counts calls in `in_flight`, and refuses once that is closed.
    pub fn in_flight(mut self, in_flight: &InFlight) -> Self {
        self.in_flight = Some(in_flight.clone());
        self
    }

    /// Counts calls among the requests in flight of `shutdown`, which waits for them while it
    /// drains, and refuses once its intake has stopped.
    pub fn coordinator(self, shutdown: &Shutdown) -> Self {
        self.in_flight(shutdown.in_flight())
    }

    /// The listeners that receive its events. Default: the pipeline's.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Builds the gate. One with neither token nor counter admits everything. Errors name the field
    /// and the allowed range.
    pub fn build(self) -> Result<ShutdownGate, ConfigError> {
        let reporter = self.setup.reporter(PolicyKind::Shutdown)?;
        let shared =
            Shared { cancelled: self.shutdown.map(TokenFlag::new), in_flight: self.in_flight };
        Ok(ShutdownGate::new(shared, reporter))
    }
}

impl Layer for ShutdownGateBuilder {
    type Policy = ShutdownGate;

    fn into_policy(mut self, context: &LayerContext) -> Result<ShutdownGate, ConfigError> {
        self.setup = self.setup.fill(context);
        if self.in_flight.is_none() {
            self.shutdown = self.shutdown.or_else(|| context.shutdown.clone());
        }
        self.build()
    }
}
