//! How a panic guard is configured.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use seawall_core::panic::{CAN_CATCH, PayloadType, capture_backtraces, install_hook};
use seawall_core::{Check, ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind};

use super::policy::Shared;
use super::{PanicGuard, event};

/// What a guard does in a program that is built with `panic = "abort"`, where no panic can be
/// caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnAbort {
    /// `build()` fails. The default: who asks for a guard believes to be guarded.
    Refuse,
    /// The guard is built, lets everything through, and tells its listeners so. For libraries,
    /// which do not choose how they are built.
    Warn,
}

/// Builds a [`PanicGuard`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`name`](Self::name) | the pipeline's, `"panic guard"` alone | |
/// | [`enabled`](Self::enabled) | yes | |
/// | [`hook`](Self::hook) | on | without it nobody learns where the panic was |
/// | [`backtrace`](Self::backtrace) | off | walking the stack and naming its frames takes milliseconds |
/// | [`on_abort`](Self::on_abort) | [`OnAbort::Refuse`] | a guard that can't guard should not look like one |
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct PanicGuardBuilder {
    name: Option<Name>,
    listeners: Option<Listeners>,
    enabled: bool,
    hook: bool,
    backtrace: bool,
    on_abort: OnAbort,
    types: Vec<PayloadType>,
}

impl Default for PanicGuardBuilder {
    fn default() -> Self {
        Self {
            name: None,
            listeners: None,
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
        self.name = Some(name.into());
        self
    }

    /// Whether it does anything. A guard that does not lets panics through and is in no description:
    /// for a layer that the configuration switches off, where the type of the pipeline must stay
    /// the same.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Whether building the guard [installs](install_hook) the hook that notes where a panic was.
    /// The hook that was there before stays in force. Declined, errors have the message alone.
    pub fn hook(mut self, hook: bool) -> Self {
        self.hook = hook;
        self
    }

    /// Whether errors carry a backtrace. Switches [capturing](capture_backtraces) on for the whole
    /// process: from then on every panic walks its stack. Needs the [hook](Self::hook).
    pub fn backtrace(mut self, backtrace: bool) -> Self {
        self.backtrace = backtrace;
        self
    }

    /// What to do in a program that is built with `panic = "abort"`.
    pub fn on_abort(mut self, on_abort: OnAbort) -> Self {
        self.on_abort = on_abort;
        self
    }

    /// A type that panics are thrown with, so that errors can name it. Text, numbers and common
    /// errors are known without.
    pub fn payload_type<T: Any>(mut self) -> Self {
        self.types.push(PayloadType::of::<T>());
        self
    }

    /// Who is told of panics.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.listeners = Some(listeners.clone());
        self
    }

    /// Makes the guard. Fails if the name is empty or too long, if a backtrace is asked for
    /// without the hook, and where panics abort unless [`on_abort`](Self::on_abort) says to warn.
    pub fn build(self) -> Result<PanicGuard, ConfigError> {
        self.build_where(CAN_CATCH)
    }

    fn build_where(self, can_catch: bool) -> Result<PanicGuard, ConfigError> {
        let check = Check::of(PolicyKind::PanicGuard);
        let name = self.name.unwrap_or_else(|| Name::from("panic guard"));
        let name = check.name(name)?;
        check.that(
            self.hook || !self.backtrace,
            "backtrace",
            "on",
            "off where the hook is declined",
        )?;
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
        let guard = PanicGuard(Arc::new(Shared {
            name,
            listeners: self.listeners.unwrap_or_default(),
            enabled: self.enabled,
            backtrace: self.backtrace,
            types: self.types,
            can_catch,
            caught: AtomicU64::new(0),
        }));
        if self.enabled && !can_catch {
            event::ineffective(&guard);
        }
        Ok(guard)
    }
}

impl Layer for PanicGuardBuilder {
    type Policy = PanicGuard;

    fn into_policy(mut self, context: &LayerContext) -> Result<PanicGuard, ConfigError> {
        self.name.get_or_insert_with(|| context.name.clone());
        self.listeners.get_or_insert_with(|| context.listeners.clone());
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
