//! A breaker on retries alone.

use seawall::breaker::Permit;
use seawall::policy::{Admission, Admit, Admitted, NoWait};
use seawall::{Attempt, Breaker, Description, Policy, PolicyKind};

/// A breaker that refuses further attempts and lets the first one of each call through: it can't refuse
/// a call, and retries stop while most attempts fail.
pub(super) struct OnRetries(pub(super) Breaker);

impl Admit for OnRetries {
    type Permit<'p> = Permit<'p>;
    type Wait<'p> = NoWait<Permit<'p>>;

    fn try_admit(&self, _: &mut Attempt) -> Option<Permit<'_>> {
        None
    }

    fn admit(&self, attempt: &mut Attempt) -> Admission<Permit<'_>, NoWait<Permit<'_>>> {
        if attempt.number() == 1 {
            return Admission::Granted(self.0.acquire_regardless());
        }
        match self.0.try_acquire() {
            Ok(permit) => Admission::Granted(permit),
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl Policy for OnRetries {
    type Wrapped<'p, Op> = Admitted<'p, Self, Op>;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Admitted::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        inner.layer(PolicyKind::Breaker, self.0.name(), "refuses further attempts alone")
    }
}
