//! Digests of a store that others fill.

use std::collections::HashMap;
use std::time::Duration;

use seawall_core::contain;

use super::Digester;
use super::machine::Occurrence;
use crate::store::{Filter, Group, Seen, Store, StoreError};
use crate::{Fingerprint, Timestamp};

/// How far the clocks of the processes that fill a store may be apart.
const SKEW: Duration = Duration::from_mins(10);
/// How many groups are remembered: as many as a store holds by default.
const MOST: usize = 10_000;

/// What was in the store at the last look.
#[derive(Debug, Default)]
pub(super) struct Looks {
    groups: HashMap<Fingerprint, Known>,
    /// The last occurrence of all groups; `None` before the first look.
    last: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    count: u64,
    regressed: bool,
    last_seen: Timestamp,
}

impl Looks {
    /// How many occurrences of `group` came since the last look, and what they are.
    fn since_last(&mut self, group: &Group, first_look: bool) -> Option<(u64, Seen)> {
        let Group { fingerprint, count, regressed, last_seen, .. } = *group;
        let known = Known { count, regressed, last_seen };
        let before = self.groups.insert(fingerprint, known);
        if first_look {
            return None;
        }
        // A count that is smaller than it was began again: the group was taken.
        let came = match before {
            Some(before) if before.count <= count => count - before.count,
            _ => count,
        };
        let seen = match before {
            _ if group.muted.is_some() => Seen::Muted,
            _ if regressed && before.is_none_or(|before| !before.regressed) => Seen::Regressed,
            None if group.new => Seen::New,
            _ => Seen::Known,
        };
        (came > 0).then_some((came, seen))
    }

    /// Keeps within its bound: forgets the groups that were seen longest ago.
    fn shrink(&mut self) {
        if self.groups.len() > MOST {
            let mut times: Vec<_> = self.groups.values().map(|known| known.last_seen).collect();
            times.sort_unstable();
            let oldest = times[times.len() - MOST / 2];
            self.groups.retain(|_, known| known.last_seen >= oldest);
        }
    }
}

impl Digester {
    /// Gathers what came into `store` since the last look: for a store that other processes fill, of
    /// which one process makes the digests. Call it every few seconds, and
    /// [`run`](Digester::run) at the same time; don't make the digester an observer as well. Returns
    /// the number of occurrences.
    ///
    /// The first look reports nothing: what was there before may have been reported by another
    /// process. A group that is taken between two looks is reported with what is counted after that.
    /// Muted groups are left out.
    ///
    /// # Errors
    ///
    /// Those of [`Store::list`]. The next look gathers what this one could not.
    pub async fn look_at<S: Store + ?Sized>(&self, store: &S) -> Result<u64, StoreError> {
        let mut looks = self.inner.looks.lock().await;
        let since = looks.last.map(|last| last.before(SKEW));
        let groups = store.list(&Filter { since, ..Filter::default() }).await?;
        let first_look = looks.last.is_none();
        let mut sum = 0_u64;
        for group in &groups {
            looks.last = looks.last.max(Some(group.last_seen));
            let Some((came, seen)) = looks.since_last(group, first_look) else { continue };
            if seen == Seen::Muted {
                continue;
            }
            sum = sum.saturating_add(came);
            self.gather(group, came, seen);
        }
        looks.last.get_or_insert(self.inner.clock.now());
        looks.shrink();
        Ok(sum)
    }

    fn gather(&self, group: &Group, count: u64, seen: Seen) {
        let inner = &*self.inner;
        let key = contain(|| (inner.key)(&group.last)).unwrap_or_default();
        let canary = inner.alarms.as_ref().is_some_and(|alarms| alarms.is_canary(&group.last));
        let what = Occurrence { name: group.fingerprint, count, seen, canary };
        inner.machine.lock().record(&key, &group.last, what, inner.clock.steady());
    }
}
