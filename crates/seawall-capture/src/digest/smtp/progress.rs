//! The addresses that have a digest already.

use std::collections::{BTreeMap, VecDeque};

use super::recipient::Mailboxes;

/// How many digests are remembered: as many as wait for a sink by default.
const DIGESTS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Confirmed,
    Refused,
}

/// Digests that some have settled, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Progress(VecDeque<Settled>);

#[derive(Debug)]
struct Settled {
    digest: String,
    /// By recipient and member.
    outcomes: BTreeMap<(usize, usize), Outcome>,
}

impl Progress {
    /// The members of `recipient` that are pending.
    pub(super) fn pending(&self, digest: &str, recipient: &Mailboxes) -> Vec<usize> {
        let settled = self.0.iter().find(|settled| settled.digest == digest);
        let is_pending = |member: &usize| {
            settled.is_none_or(|s| !s.outcomes.contains_key(&(recipient.place, *member)))
        };
        (0..recipient.members.len()).filter(is_pending).collect()
    }

    pub(super) fn settle(
        &mut self,
        digest: &str,
        recipient: &Mailboxes,
        member: usize,
        outcome: Outcome,
    ) {
        let at = self.0.iter().position(|settled| settled.digest == digest).unwrap_or_else(|| {
            if self.0.len() == DIGESTS {
                self.0.pop_front();
            }
            self.0.push_back(Settled { digest: digest.into(), outcomes: BTreeMap::new() });
            self.0.len() - 1
        });
        self.0[at].outcomes.insert((recipient.place, member), outcome);
    }

    /// Forgets `digest`, which nobody is pending of. Says whether anybody confirmed it.
    pub(super) fn finish(&mut self, digest: &str) -> bool {
        let at = self.0.iter().position(|settled| settled.digest == digest);
        let settled = at.and_then(|at| self.0.remove(at));
        settled.is_some_and(|s| s.outcomes.values().any(|o| *o == Outcome::Confirmed))
    }
}
