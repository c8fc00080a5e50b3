//! How a fallback is configured.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use seawall_core::{
    Check, Class, ConfigError, Error, Layer, LayerContext, Listeners, Name, PanicReport,
    PolicyKind, contain,
};

use super::policy::{Counts, Shared};
use super::{Fallback, Or, TryWith, Value, With, WithAsync};
use crate::places::Places;

/// Which classes are fallen back from, unless set: every failure but an answer that is permanent,
/// which the caller should see, and a call that nobody waits for any more.
pub fn default_classes(class: Class) -> bool {
    !matches!(class, Class::Success | Class::Permanent | Class::Cancelled)
}

/// Decides by class. A panic in deciding is told and means no.
#[derive(Clone)]
pub(super) struct When(Option<Arc<dyn Fn(Class) -> bool + Send + Sync>>);

impl When {
    #[inline]
    pub(super) fn holds(&self, class: Class, told: impl FnOnce(&PanicReport)) -> bool {
        match &self.0 {
            None => default_classes(class),
            Some(when) => contain(|| when(class)).inspect_err(told).unwrap_or(false),
        }
    }
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "by function" } else { "default" })
    }
}

/// Builds a [`Fallback`]; made by its constructors.
///
/// | setting | default | why |
/// |---|---|---|
/// | [`name`](Self::name) | the pipeline's, `"fallback"` alone | |
/// | [`when`](Self::when) | all failures but permanent and cancelled | [`default_classes`] |
/// | [`max_concurrent`](Self::max_concurrent) | unlimited | most fallbacks are a value |
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct FallbackBuilder<S> {
    substitute: S,
    name: Option<Name>,
    listeners: Option<Listeners>,
    when: When,
    max_concurrent: usize,
    /// Nothing is waited for in it.
    at_once: bool,
}

impl<S> FallbackBuilder<S> {
    /// A fallback to `substitute`.
    pub fn new(substitute: S) -> Self {
        Self {
            substitute,
            name: None,
            listeners: None,
            when: When(None),
            max_concurrent: Places::UNLIMITED,
            at_once: false,
        }
    }

    pub(super) fn at_once(self, at_once: bool) -> Self {
        Self { at_once, ..self }
    }

    /// The name in errors and events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Which classes to fall back from. A panic in `when` is caught and means no.
    pub fn when(mut self, when: impl Fn(Class) -> bool + Send + Sync + 'static) -> Self {
        self.when = When(Some(Arc::new(when)));
        self
    }

    /// How many fallbacks may be under way at once, at least 1. A call that finds no place keeps
    /// its error. For fallbacks that call something which could not bear the whole traffic.
    pub fn max_concurrent(mut self, max: usize) -> Self {
        self.max_concurrent = max;
        self
    }

    /// Who is told of answers in the operation's place.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.listeners = Some(listeners.clone());
        self
    }

    /// Falls back to `substitute` where what is configured so far declines, fails or panics.
    pub fn or<Second>(self, substitute: Second) -> FallbackBuilder<Or<S, Second>> {
        FallbackBuilder {
            substitute: Or { first: self.substitute, second: substitute },
            name: self.name,
            listeners: self.listeners,
            when: self.when,
            max_concurrent: self.max_concurrent,
            at_once: false,
        }
    }

    /// Falls back to `value` in the end.
    pub fn or_value<T: Clone>(self, value: T) -> FallbackBuilder<Or<S, Value<T>>> {
        let at_once = self.at_once;
        self.or(Value(value)).at_once(at_once)
    }

    /// Falls back to what `f` makes of the first error.
    pub fn or_with<F, T, E>(self, f: F) -> FallbackBuilder<Or<S, With<F, E>>>
    where
        F: Fn(&Error<E>) -> T,
    {
        let at_once = self.at_once;
        self.or(With(f, PhantomData)).at_once(at_once)
    }

    /// Falls back to what `f` makes of the first error, if it makes something.
    pub fn or_try_with<F, T, E>(self, f: F) -> FallbackBuilder<Or<S, TryWith<F, E>>>
    where
        F: Fn(&Error<E>) -> Option<T>,
    {
        let at_once = self.at_once;
        self.or(TryWith(f, PhantomData)).at_once(at_once)
    }

    /// Falls back to the outcome of `f`'s future, if it succeeds.
    pub fn or_with_async<F, Fut, T, X, E>(self, f: F) -> FallbackBuilder<Or<S, WithAsync<F, E>>>
    where
        F: Fn(&Error<E>) -> Fut,
        Fut: Future<Output = Result<T, X>>,
    {
        self.or(WithAsync(f, PhantomData))
    }

    /// Makes the fallback. Fails if the name is empty or too long, and if no fallback may be under
    /// way.
    pub fn build(self) -> Result<Fallback<S>, ConfigError> {
        let check = Check::of(PolicyKind::Fallback);
        let name = self.name.unwrap_or_else(|| Name::from("fallback"));
        check.that(self.max_concurrent > 0, "max_concurrent", self.max_concurrent, "at least 1")?;
        Ok(Fallback(Arc::new(Shared {
            name: check.name(name)?,
            listeners: self.listeners.unwrap_or_default(),
            when: self.when,
            places: Places::new(self.max_concurrent),
            counts: Counts::default(),
            substitute: self.substitute,
            at_once: self.at_once,
        })))
    }
}

impl<S> Layer for FallbackBuilder<S> {
    type Policy = Fallback<S>;

    fn into_policy(mut self, context: &LayerContext) -> Result<Fallback<S>, ConfigError> {
        self.name.get_or_insert_with(|| context.name.clone());
        self.listeners.get_or_insert_with(|| context.listeners.clone());
        self.build()
    }
}
