use std::fmt::Display;
use std::hash::Hash;
use std::sync::OnceLock;

use seawall_core::{
    Admission, Admit, Admitted, Attempt, Description, Listeners, Name, NoWait, Policy, PolicyKind,
    Reporter,
};

use super::KeyedRateLimit;
use crate::rate::RatePermit;

/// The rate limit of one key, made by [`KeyedRateLimit::get`]. In every pipeline it has the name of
/// the set; the listeners of both receive its events.
#[derive(Clone, Debug)]
pub struct RateLimitOf<K> {
    limit: KeyedRateLimit<K>,
    key: K,
    // Made for the first refusal or the first question for the name.
    reporter: OnceLock<Reporter>,
    pipeline: Option<Listeners>,
}

impl<K> RateLimitOf<K> {
    pub(super) const fn new(limit: KeyedRateLimit<K>, key: K) -> Self {
        Self { limit, key, reporter: OnceLock::new(), pipeline: None }
    }

    /// The key.
    pub const fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Eq + Hash + Clone> RateLimitOf<K> {
    /// How many permits of the key could be taken now: see [`KeyedRateLimit::available`].
    pub fn available(&self) -> u64 {
        self.limit.available(&self.key)
    }

    /// Takes over what the server says is left for the key: see [`KeyedRateLimit::leave_at_most`].
    pub fn leave_at_most(&self, left: u64) {
        self.limit.leave_at_most(&self.key, left);
    }
}

impl<K: Display> RateLimitOf<K> {
    /// Its name: `name[key]`, cut off at [`Name::MAX_LEN`] bytes. Made when it is first asked for
    /// or a call is refused, and kept.
    pub fn name(&self) -> &Name {
        self.reporter().name()
    }

    fn reporter(&self) -> &Reporter {
        if let Some(reporter) = self.reporter.get() {
            return reporter;
        }
        // Before the cell is locked: displaying a key is the user's code.
        let reporter = self.limit.shared.reporter.for_key(&self.key);
        let reporter = match &self.pipeline {
            Some(listeners) => reporter.heard_by(listeners),
            None => reporter,
        };
        self.reporter.get_or_init(|| reporter)
    }
}

impl<K: Eq + Hash + Clone + Display> Admit for RateLimitOf<K> {
    type Permit<'p>
        = RatePermit
    where
        K: 'p;
    type Wait<'p>
        = NoWait<RatePermit>
    where
        K: 'p;

    #[inline]
    fn try_admit(&self, _: &mut Attempt) -> Option<RatePermit> {
        None
    }

    fn admit(&self, attempt: &mut Attempt) -> Admission<RatePermit, Self::Wait<'_>> {
        match self.limit.take(&self.key, attempt.began(), || self.reporter()) {
            Ok(()) => Admission::Granted(RatePermit(())),
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl<K: Eq + Hash + Clone + Display> Policy for RateLimitOf<K> {
    type Wrapped<'p, Op>
        = Admitted<'p, Self, Op>
    where
        K: 'p;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Admitted::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        let text = self.limit.shared.rate.read().describe() + ", for each key";
        inner.layer(PolicyKind::RateLimit, self.name(), text)
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { reporter: OnceLock::new(), pipeline: Some(listeners.clone()), ..self }
    }
}
