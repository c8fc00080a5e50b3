//! The builder of a panic guard.

use std::any::Any;
use std::sync::Arc;

use seawall_core::panic::{CAN_CATCH, PayloadType, capture_backtraces, install_hook};
use seawall_core::{
    Check, ConfigError, EventKind, Layer, LayerContext, Listeners, Name, PolicyKind, Setup,
};

use super::PanicGuard;
use super::policy::Shared;

/// What a guard does in a program that is built with `panic = "abort"`, where no panic can be caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnAbort {
    /// `build()` fails. The default: callers that build a guard rely on it.
    Refuse,
    /// The guard is built, lets everything through, and reports that to its listeners. For libraries,
    /// which do not choose how they are built.
    Warn,
}

/// Builds a [`PanicGuard`]. The [chapter](super) has the table of defaults.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct PanicGuardBuilder {
    setup: Setup,
    enabled: bool,
    hook: bool,
    backtrace: bool,
    on_abort: OnAbort,
    types: Vec<PayloadType>,
}

impl Default for PanicGuardBuilder {
    fn default() -> Self {
        Self {
            setup: Setup::default(),
            enabled: true,
            hook: true,
            backtrace: false,
            on_abort: OnAbort::Refuse,
            types: Vec::new(),
        }
    }
}

impl PanicGuardBuilder {
    /// The name in errors and events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// Lets panics through, and leaves the guard out of descriptions: for a layer that the
    /// configuration switches off, where the type of the pipeline must stay the same.
    pub fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    /// Does not [install](install_hook) the panic hook that notes locations: errors have the message
    /// alone.
    pub fn without_hook(mut self) -> Self {
        self.hook = false;
        self
    }

    /// Adds a backtrace to errors. Switches [capturing](capture_backtraces) on for the whole process:
    /// from then on every panic walks its stack. Needs the hook.
    pub fn backtrace(mut self) -> Self {
        self.backtrace = true;
        self
    }

    /// What to do in a program that is built with `panic = "abort"`.
    pub fn on_abort(mut self, on_abort: OnAbort) -> Self {
        self.on_abort = on_abort;
        self
    }

    /// Names a type that panics carry, so that errors can show it. Text, numbers and common errors need
    /// no listing.
    pub fn payload_type<T: Any>(mut self) -> Self {
        self.types.push(PayloadType::of::<T>());
        self
    }

    /// The listeners that receive its events.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Builds the guard. Errors name the field and the allowed range. A backtrace without the hook is
    /// refused, and so is a guard where panics abort, unless [`on_abort`](Self::on_abort) says to warn.
    pub fn build(self) -> Result<PanicGuard, ConfigError> {
        let setup = self.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<PanicGuard, ConfigError> {
        self.build_where(CAN_CATCH)
    }

    fn build_where(self, can_catch: bool) -> Result<PanicGuard, ConfigError> {
        let check = Check::of(PolicyKind::PanicGuard);
        let reporter = self.setup.reporter(PolicyKind::PanicGuard)?;
        check.that(self.hook || !self.backtrace, "backtrace", "on", "off without the hook")?;
        check.that(
            can_catch || !self.enabled || self.on_abort == OnAbort::Warn,
            "on_abort",
            "to refuse",
            "to warn in a program built with panic = \"abort\"",
        )?;
        if self.enabled && self.hook {
            install_hook();
        }
        if self.enabled && self.backtrace {
            capture_backtraces(true);
        }
        let shared = Shared {
            enabled: self.enabled,
            backtrace: self.backtrace,
            types: self.types,
            can_catch,
        };
        let guard = PanicGuard { shared: Arc::new(shared), reporter };
        if self.enabled && !can_catch {
            let why = "the program is built with panic = \"abort\"";
            guard.reporter.report(|| EventKind::ineffective(why));
        }
        Ok(guard)
    }
}

impl Layer for PanicGuardBuilder {
    type Policy = PanicGuard;

    fn into_policy(mut self, context: &LayerContext) -> Result<PanicGuard, ConfigError> {
        self.setup = self.setup.fill(context);
        self.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_panics_abort_the_guard_refuses_or_warns() {
        let error = PanicGuard::builder().build_where(false).unwrap_err();
        assert_eq!(error.field, "on_abort");

        let listeners = Listeners::default();
        let recorder = seawall_testkit::Recorder::default();
        listeners.add(recorder.clone());
        let guard = PanicGuard::builder()
            .on_abort(OnAbort::Warn)
            .listeners(&listeners)
            .build_where(false)
            .expect("warns");
        assert!(!guard.can_catch());
        assert_eq!(recorder.events().len(), 1);
    }
}
