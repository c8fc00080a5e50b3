use std::sync::Arc;

use seawall_core::{
    Check, ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind, Random, Setup,
};
use tokio_util::sync::CancellationToken;

use super::settings::Settings;
use super::shared::Shared;
use super::{CongestionControl, WhileDown, defaults};

/// Builds a [`CongestionControl`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct CongestionControlBuilder {
    setup: Setup,
    idempotent: bool,
    max_attempts: u32,
    while_down: WhileDown,
    hedging: bool,
    disabled: bool,
}

impl Default for CongestionControlBuilder {
    fn default() -> Self {
        Self {
            setup: Setup::default(),
            idempotent: false,
            max_attempts: defaults::MAX_ATTEMPTS,
            while_down: WhileDown::default(),
            hedging: false,
            disabled: false,
        }
    }
}

impl CongestionControlBuilder {
    /// Its name in errors, events and metrics. Default: the pipeline's, or "congestion control".
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// Says that the operation may be carried out more than once without harm.
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// How many requests a call may send, the first included. At least 1. Default:
    /// [3](defaults::MAX_ATTEMPTS).
    pub const fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = max_attempts;
        self
    }

    /// What callers do while nothing is answered. Default: they wait.
    pub const fn while_down(mut self, while_down: WhileDown) -> Self {
        self.while_down = while_down;
        self
    }

    /// Sends a second request when the first takes longer than [19 of 20](defaults::HEDGE_SHARE) answers
    /// do, or [2 s](defaults::HEDGE_UNKNOWN) as long as little is known, and takes the outcome that
    /// comes first. At most one more in a call, paid for like any repetition; only where a call is
    /// idempotent. Default: a second request goes out only when the first is lost.
    pub const fn hedging(mut self) -> Self {
        self.hedging = true;
        self
    }

    /// Sends every call at once and repeats none, for a layer that has to be there.
    pub const fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// The listeners that receive its events. Default: the pipeline's.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Once `token` is cancelled, calls that wait are refused with "shutting down", and nothing is
    /// repeated.
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.setup.shutdown(token);
        self
    }

    /// The source of the jitter in pauses.
    pub fn random(mut self, random: Random) -> Self {
        self.setup.random(random);
        self
    }

    /// Builds it. Errors name the field and the allowed range.
    pub fn build(self) -> Result<CongestionControl, ConfigError> {
        let setup = self.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<CongestionControl, ConfigError> {
        let kind = PolicyKind::CongestionControl;
        let setup = self.setup.clone();
        let settings = self.settings()?;
        let shared = Shared::new(
            setup.reporter(kind)?,
            setup.token().cloned(),
            setup.source().cloned().unwrap_or_default(),
            settings,
        );
        Ok(CongestionControl { shared: Arc::new(shared) })
    }

    pub(super) fn settings(self) -> Result<Settings, ConfigError> {
        let check = Check::of(PolicyKind::CongestionControl);
        Ok(Settings {
            max_attempts: check.at_least_one("max_attempts", self.max_attempts)?,
            idempotent: self.idempotent,
            while_down: self.while_down,
            hedging: self.hedging,
            disabled: self.disabled,
        })
    }
}

impl Layer for CongestionControlBuilder {
    type Policy = CongestionControl;

    fn into_policy(mut self, context: &LayerContext) -> Result<CongestionControl, ConfigError> {
        self.setup = self.setup.fill(context);
        self.build()
    }
}
