use std::sync::Arc;

use seawall_core::{Check, ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind};
use tokio_util::sync::CancellationToken;

use super::token_flag::TokenFlag;
use super::{Inner, ShutdownGate};
use crate::{InFlight, Shutdown};

/// Builds a [`ShutdownGate`]. Without a name, token or listeners of its own it takes those of the
/// pipeline that it is added to.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct ShutdownGateBuilder {
    name: Option<Name>,
    token: Option<CancellationToken>,
    in_flight: Option<InFlight>,
    listeners: Option<Listeners>,
}

impl ShutdownGateBuilder {
    /// The name in errors and events. Default: the pipeline's, or `shutdown`.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Refuses once `token` is cancelled.
    pub fn token(mut self, token: &CancellationToken) -> Self {
        self.token = Some(token.clone());
        self
    }

    /// Counts calls in flight in `in_flight`, and refuses once that is closed.
    pub fn in_flight(mut self, in_flight: &InFlight) -> Self {
        self.in_flight = Some(in_flight.clone());
        self
    }

    /// Counts calls among the requests in flight of `shutdown`, which waits for them while it
    /// drains, and refuses once its intake has stopped.
    pub fn coordinator(self, shutdown: &Shutdown) -> Self {
        self.in_flight(shutdown.in_flight())
    }

    /// Who is told of refusals. Default: the pipeline's listeners.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.listeners = Some(listeners.clone());
        self
    }

    /// Builds the gate. One with neither token nor counter admits everything.
    pub fn build(self) -> Result<ShutdownGate, ConfigError> {
        let name = self.name.unwrap_or_else(|| Name::from("shutdown"));
        Ok(ShutdownGate(Arc::new(Inner {
            name: Check::of(PolicyKind::Shutdown).name(name)?,
            cancelled: self.token.map(TokenFlag::new),
            in_flight: self.in_flight,
            listeners: self.listeners.unwrap_or_default(),
        })))
    }
}

impl Layer for ShutdownGateBuilder {
    type Policy = ShutdownGate;

    fn into_policy(mut self, context: &LayerContext) -> Result<ShutdownGate, ConfigError> {
        self.name.get_or_insert_with(|| context.name.clone());
        self.listeners.get_or_insert_with(|| context.listeners.clone());
        if self.token.is_none() && self.in_flight.is_none() {
            self.token.clone_from(&context.shutdown);
        }
        self.build()
    }
}
