//! The builder of a fallback.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{
    Check, Class, ConfigError, Error, Layer, LayerContext, Listeners, Name, PolicyKind, Setup,
};

use super::chain::Link;
use super::memory::{self, Remember};
use super::policy::Shared;
use super::{Fallback, default_classes};
use crate::permits::Permits;

/// Builds a [`Fallback`]; made by its constructors. The [chapter](super) has the table of defaults.
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct FallbackBuilder<T, E> {
    chain: Vec<Link<T, E>>,
    setup: Setup,
    when: Arc<dyn Fn(Class) -> bool + Send + Sync>,
    max_concurrent: usize,
    last_good: Option<(NewMemory<T>, Duration)>,
}

/// Makes the memory of a fallback. Chosen where it is known that `T` can be copied.
type NewMemory<T> = fn(Duration) -> Arc<dyn Remember<T>>;

impl<T, E> FallbackBuilder<T, E> {
    pub(super) fn new() -> Self {
        Self {
            chain: Vec::new(),
            setup: Setup::default(),
            when: Arc::new(default_classes),
            max_concurrent: Permits::UNLIMITED,
            last_good: None,
        }
    }

    /// The name in errors and events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// Which classes to fall back from. If `when` panics, the error stands.
    pub fn when(mut self, when: impl Fn(Class) -> bool + Send + Sync + 'static) -> Self {
        self.when = Arc::new(when);
        self
    }

    /// How many fallbacks may be under way at once, at least 1. A call that gets no permit keeps its
    /// error. For fallbacks that call something which can't bear the whole traffic.
    pub fn max_concurrent(mut self, max: usize) -> Self {
        self.max_concurrent = max;
        self
    }

    /// The listeners that receive its events.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Falls back to `value` where the links before it decline, fail or panic.
    pub fn or_value(self, value: T) -> Self
    where
        T: Clone + Send + Sync + 'static,
    {
        self.or_try_with(move |_| Some(value.clone()))
    }

    /// Falls back to what `f` makes of the first error.
    pub fn or_with(self, f: impl Fn(&Error<E>) -> T + Send + Sync + 'static) -> Self {
        self.or_try_with(move |error| Some(f(error)))
    }

    /// Falls back to what `f` makes of the first error; `None` declines.
    pub fn or_try_with(
        mut self,
        f: impl Fn(&Error<E>) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        self.chain.push(Link::Now(Arc::new(f)));
        self
    }

    /// Falls back to the outcome of `f`'s future, if it succeeds.
    pub fn or_with_async<F, Fut, X>(mut self, f: F) -> Self
    where
        F: Fn(&Error<E>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, X>> + Send + 'static,
    {
        self.chain.push(Link::Later(Arc::new(move |error| Box::pin(f(error)))));
        self
    }

    /// Falls back to the last success, if it is no older than `max_age`, above zero. Said twice, the
    /// last `max_age` counts.
    ///
    /// Every success is copied, which takes a clock reading, an allocation and a lock: let `T` be an
    /// `Arc` where it is large. It is the last success of all calls through this fallback, of its
    /// clones too.
    pub fn or_last_good(mut self, max_age: Duration) -> Self
    where
        T: Clone + Send + Sync + 'static,
    {
        if self.last_good.replace((memory::memory, max_age)).is_none() {
            self.chain.push(Link::LastGood);
        }
        self
    }

    /// Builds the fallback. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Fallback<T, E>, ConfigError> {
        let setup = self.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<Fallback<T, E>, ConfigError> {
        let check = Check::of(PolicyKind::Fallback);
        check.that(self.max_concurrent > 0, "max_concurrent", self.max_concurrent, "at least 1")?;
        if let Some((_, max_age)) = self.last_good {
            check.positive("last_good", max_age)?;
        }
        let reporter = self.setup.reporter(PolicyKind::Fallback)?;
        let shared = Shared {
            when: self.when,
            permits: Permits::new(self.max_concurrent),
            chain: self.chain,
            memory: self.last_good.map(|(memory, max_age)| memory(max_age)),
        };
        Ok(Fallback { shared: Arc::new(shared), reporter })
    }
}

impl<T, E> Layer for FallbackBuilder<T, E> {
    type Policy = Fallback<T, E>;

    fn into_policy(mut self, context: &LayerContext) -> Result<Fallback<T, E>, ConfigError> {
        self.setup = self.setup.fill(context);
        self.build()
    }
}

impl<T, E> fmt::Debug for FallbackBuilder<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackBuilder")
            .field("setup", &self.setup)
            .field("links", &self.chain.len())
            .field("max_concurrent", &self.max_concurrent)
            .finish_non_exhaustive()
    }
}
