use std::sync::Arc;
use std::sync::atomic::Ordering;

use seawall_core::{
    Admission, Admit, Admitted, Attempt, Check, ConfigError, Description, Guarded, Inspect,
    Listeners, Name, NoWait, Policy, PolicyKind, Rejection, Reporter,
};

use super::shared::Shared;
use super::{AdaptiveLimitBuilder, AdaptivePermit, OwnedAdaptivePermit, Range};
use crate::semaphore::{Demand, Priority};

/// Admits as many calls in flight as the dependency turns out to bear. Clones share it, and differ in
/// the [priority](Self::with_priority) of their calls. See the [chapter](crate::adaptive).
#[derive(Clone, Debug)]
pub struct AdaptiveLimit {
    pub(super) shared: Arc<Shared>,
    pub(super) reporter: Reporter,
    demand: Demand,
}

/// The state of an adaptive limit at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdaptiveLimitSnapshot {
    /// Calls in flight, including those that linger.
    pub in_flight: u32,
    /// The limit that the algorithm has arrived at.
    pub limit: u32,
    /// Places that [linger](crate::adaptive#lingering): nobody waits for their calls any longer, but
    /// the dependency may still work on them.
    pub lingering: usize,
    /// How many calls were refused since the limit was built.
    pub refused: u64,
    /// How many it would have refused, had it not been in shadow.
    pub would_refuse: u64,
    /// How many calls ended in the same moment as another, so that they were no sample.
    pub missed: u64,
}

impl AdaptiveLimit {
    /// Starts an adaptive limit.
    pub fn builder() -> AdaptiveLimitBuilder {
        AdaptiveLimitBuilder::default()
    }

    pub(super) fn of(shared: Shared, reporter: Reporter) -> Self {
        let demand = Demand { headroom: shared.headroom.of(Priority::Normal), ..Demand::ONE };
        Self { shared: Arc::new(shared), reporter, demand }
    }

    /// A handle whose calls have `priority`: they may use its
    /// [share](AdaptiveLimitBuilder::priority_share) of the limit.
    pub fn with_priority(&self, priority: Priority) -> Self {
        let headroom = self.shared.headroom.of(priority);
        Self { demand: Demand { headroom, priority, ..self.demand }, ..self.clone() }
    }

    /// A permit, if there is room; else a refusal that says how many calls are in flight.
    ///
    /// Report how the call ended, by [`AdaptivePermit::success`] or one of its other methods: a
    /// permit that is dropped counts as a call that was given up.
    pub fn try_acquire(&self) -> Result<AdaptivePermit<'_>, Rejection> {
        self.acquire(&mut Attempt::first())
    }

    /// Takes a place that can outlive this handle and the future of its call.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire).
    pub fn try_acquire_owned(&self) -> Result<OwnedAdaptivePermit, Rejection> {
        let attempt = &mut Attempt::first();
        let call = self.shared.try_acquire(attempt, &self.demand);
        let late = || self.shared.acquire(attempt, &self.demand, &self.reporter);
        let call = call.map_or_else(late, Ok)?;
        Ok(OwnedAdaptivePermit::new(Arc::clone(&self.shared), call))
    }

    /// Runs `future` if there is room for it.
    pub fn call<Fut, T, E>(&self, future: Fut) -> Guarded<'_, Self, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Guarded::new(self, future)
    }

    /// Replaces the settings. The limit that was learned stays, as far as it is in range, and so do the
    /// calls in flight. What the algorithm has measured stays unless its parameters change. A name and
    /// listeners in `builder` are ignored, and so is the limit to begin with.
    ///
    /// # Errors
    ///
    /// Names the wrong field and its allowed range; the old settings stay. The shares of priorities
    /// can't be changed.
    pub fn reconfigure(&self, builder: AdaptiveLimitBuilder) -> Result<(), ConfigError> {
        let named = |error: ConfigError| error.of(self.name());
        let check = Check::of(PolicyKind::AdaptiveLimit);
        let (adaptive, headroom, shadow) = builder.adaptive().map_err(named)?;
        let same = headroom == self.shared.headroom;
        check.that(same, "priority_share", "set", "what it was built with").map_err(named)?;
        self.shared.reconfigure(adaptive, shadow);
        Ok(())
    }

    /// Its state now.
    pub fn snapshot(&self) -> AdaptiveLimitSnapshot {
        let shared = &*self.shared;
        let (limit, lingering) = {
            let state = shared.state.lock();
            (state.limit(), state.lingering())
        };
        AdaptiveLimitSnapshot {
            in_flight: shared.limiter.semaphore.word().in_flight(),
            limit,
            lingering,
            refused: shared.limiter.refused.load(Ordering::Relaxed),
            would_refuse: shared.would_refuse.load(Ordering::Relaxed),
            missed: shared.missed.load(Ordering::Relaxed),
        }
    }

    /// Refuses every call from now on with "shutting down".
    pub fn close(&self) {
        self.shared.limiter.semaphore.close();
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        self.reporter.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.reporter.listeners()
    }

    #[inline]
    fn try_admit(&self, attempt: &mut Attempt) -> Option<AdaptivePermit<'_>> {
        let call = self.shared.try_acquire(attempt, &self.demand)?;
        Some(AdaptivePermit::new(&self.shared, call))
    }

    fn acquire(&self, attempt: &mut Attempt) -> Result<AdaptivePermit<'_>, Rejection> {
        if let Some(permit) = self.try_admit(attempt) {
            return Ok(permit);
        }
        let call = self.shared.acquire(attempt, &self.demand, &self.reporter)?;
        Ok(AdaptivePermit::new(&self.shared, call))
    }
}

impl Admit for AdaptiveLimit {
    type Permit<'p> = AdaptivePermit<'p>;
    type Wait<'p> = NoWait<AdaptivePermit<'p>>;

    #[inline]
    fn try_admit(&self, attempt: &mut Attempt) -> Option<AdaptivePermit<'_>> {
        self.try_admit(attempt)
    }

    fn admit(&self, attempt: &mut Attempt) -> Admission<AdaptivePermit<'_>, Self::Wait<'_>> {
        match self.acquire(attempt) {
            Ok(permit) => Admission::Granted(permit),
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl Policy for AdaptiveLimit {
    type Wrapped<'p, Op> = Admitted<'p, Self, Op>;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Admitted::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        let (Range { min, max, initial }, algorithm) = self.shared.adapts();
        let shadow = if self.shared.is_shadow() { ", in shadow" } else { "" };
        let text = format!(
            "between {min} and {max} in flight, {initial} to begin with, adapted by {algorithm}{shadow}"
        );
        inner.layer_with(PolicyKind::AdaptiveLimit, self.name(), text, self.settings())
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        each(Arc::new(self.clone()));
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { reporter: self.reporter.heard_by(listeners), ..self }
    }
}

#[cfg(all(test, not(seawall_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_changes_nothing_does_not_ask_for_the_lock() {
        let limit = AdaptiveLimit::builder().initial(20).build().unwrap();
        let others: Vec<_> = (0..4).map(|_| limit.try_acquire().unwrap()).collect();
        let fifth = limit.try_acquire().unwrap();
        let sixth = limit.try_acquire().unwrap();
        limit.try_acquire().unwrap().success();
        let state = limit.shared.state.lock();
        fifth.success();
        sixth.success();
        assert_eq!(limit.shared.missed.load(Ordering::Relaxed), 0);
        for idle in others {
            idle.success();
        }
        assert_eq!(limit.shared.missed.load(Ordering::Relaxed), 4, "too few in flight");
        drop(state);
        assert_eq!((limit.snapshot().limit, limit.snapshot().in_flight), (20, 0));
    }
}
