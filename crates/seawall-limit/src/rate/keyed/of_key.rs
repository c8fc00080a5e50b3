use std::future::Ready;
use std::hash::Hash;

use seawall_core::{
    Attempt, ConfigError, Description, Layer, LayerContext, Policy, PolicyKind, Rejection,
};

use super::KeyedRateLimit;
use crate::admission::{Admission, Limit, Limited};
use crate::rate::Pass;

/// The rate limit of one key, made by [`KeyedRateLimit::get`].
#[derive(Clone, Debug)]
pub struct KeyRateLimit<K> {
    limit: KeyedRateLimit<K>,
    key: K,
}

impl<K> KeyRateLimit<K> {
    pub(super) const fn new(limit: KeyedRateLimit<K>, key: K) -> Self {
        Self { limit, key }
    }

    /// Whose limit it is.
    pub const fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Eq + Hash + Clone> Limit for KeyRateLimit<K> {
    type Permit<'p>
        = Pass
    where
        K: 'p;
    // Nobody waits.
    type Wait<'p>
        = Ready<Result<Pass, Rejection>>
    where
        K: 'p;

    #[inline]
    fn admit_at_once(&self, _: &mut Attempt) -> Option<Pass> {
        None
    }

    fn admit(&self, attempt: &mut Attempt) -> Admission<Pass, Self::Wait<'_>> {
        match self.limit.take(&self.key, attempt.began()) {
            Ok(()) => Admission::Granted(Pass::NEW),
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl<K: Eq + Hash + Clone> Policy for KeyRateLimit<K> {
    type Wrapped<'p, Op>
        = Limited<'p, Self, Op>
    where
        K: 'p;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Limited::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        let text = self.limit.shared.rate.read().describe() + ", for each key";
        inner.layer(PolicyKind::RateLimit, &self.limit.shared.name, text)
    }
}

impl<K: Eq + Hash + Clone> Layer for KeyRateLimit<K> {
    type Policy = Self;

    fn into_policy(self, _: &LayerContext) -> Result<Self, ConfigError> {
        Ok(self)
    }
}
