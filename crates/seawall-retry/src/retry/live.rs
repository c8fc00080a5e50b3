//! The settings in force, which can be replaced while calls are under way.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::AtomicDuration;
use seawall_core::sync::Ordering::{Acquire, Relaxed, Release};
use seawall_core::sync::{AtomicU64, AtomicUsize, Mutex};

use super::plan::Plan;
use super::policy::Veto;

/// What a call reads before its first attempt, without a lock, and what it reads after a failure.
pub(super) struct Live {
    /// The rules that it was built with: those in force until they are replaced.
    built: Rules,
    /// The number of attempts, of which 0 is unlimited, and the switches below.
    word: AtomicU64,
    deadline: AtomicDuration,
    history: AtomicUsize,
    replaced: Mutex<Option<Arc<Rules>>>,
}

const HAS_DEADLINE: u64 = 1 << 32;
const IS_REPLACED: u64 = 1 << 33;

/// All settings.
pub(super) struct Rules {
    pub(super) plan: Plan,
    pub(super) deadline: Option<Duration>,
    pub(super) history: usize,
    pub(super) veto: Option<Veto>,
}

/// Rules, whichever are in force. A retry that nobody has reconfigured takes no lock for them.
pub(super) enum InForce<'p> {
    Built(&'p Rules),
    Replaced(Arc<Rules>),
}

impl Deref for InForce<'_> {
    type Target = Rules;

    #[inline]
    fn deref(&self) -> &Rules {
        match self {
            Self::Built(rules) => rules,
            Self::Replaced(rules) => rules,
        }
    }
}

impl Rules {
    fn word(&self) -> u64 {
        let deadline = if self.deadline.is_some() { HAS_DEADLINE } else { 0 };
        u64::from(self.plan.max_attempts) | deadline
    }
}

impl Live {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            word: AtomicU64::new(rules.word()),
            deadline: AtomicDuration::new(rules.deadline.unwrap_or(Duration::MAX)),
            history: AtomicUsize::new(rules.history),
            replaced: Mutex::new(None),
            built: rules,
        }
    }

    pub(super) fn replace(&self, rules: Rules) {
        let before = {
            let mut replaced = self.replaced.lock();
            self.deadline.store(rules.deadline.unwrap_or(Duration::MAX));
            self.history.store(rules.history, Relaxed);
            let word = rules.word() | IS_REPLACED;
            let before = replaced.replace(Arc::new(rules));
            // Release: a call that sees that there is a deadline, sees which.
            self.word.store(word, Release);
            before
        };
        // The user's predicate is dropped outside of the lock.
        drop(before);
    }

    /// The number of attempts of a call, and its deadline if there is one: one load where there is none.
    #[inline]
    pub(super) fn limits(&self) -> (u32, Option<Duration>) {
        let word = self.word.load(Acquire);
        let deadline = if word & HAS_DEADLINE == 0 { None } else { Some(self.deadline.load()) };
        #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
        (word as u32, deadline)
    }

    /// How many errors a call keeps.
    pub(super) fn history(&self) -> usize {
        self.history.load(Relaxed)
    }

    /// Takes the lock if they were ever replaced.
    pub(super) fn rules(&self) -> InForce<'_> {
        if self.word.load(Acquire) & IS_REPLACED == 0 {
            return InForce::Built(&self.built);
        }
        let replaced = self.replaced.lock().clone();
        replaced.map_or(InForce::Built(&self.built), InForce::Replaced)
    }
}

#[cfg(all(test, seawall_loom))]
mod loom_tests {
    use super::*;
    use seawall_core::Backoff;

    fn rules(max_attempts: u32, deadline: Option<Duration>) -> Rules {
        let plan = Plan {
            max_attempts,
            idempotent: true,
            wait_for_rejections: false,
            max_same_panics: 2,
            max_retry_after: Duration::MAX,
            backoff: Backoff::none(),
        };
        Rules { plan, deadline, history: 0, veto: None }
    }

    /// A call sees the number of attempts of one set of rules with the deadline of the same, where the
    /// one has a deadline and the other has none; and after it has seen new rules it decides by them.
    #[test]
    fn what_a_call_sees_is_of_one_replacement() {
        loom::model(|| {
            let second = Duration::from_secs(1);
            let live = Arc::new(Live::new(rules(1, None)));
            let other = Arc::clone(&live);
            let replaces = loom::thread::spawn(move || other.replace(rules(2, Some(second))));
            let seen = live.limits();
            assert!([(1, None), (2, Some(second))].contains(&seen), "{seen:?}");
            let decides_by = live.rules().plan.max_attempts;
            assert!(decides_by >= seen.0);
            replaces.join().unwrap();
            assert_eq!(live.limits(), (2, Some(second)));
            assert_eq!(live.rules().plan.max_attempts, 2);
        });
    }

    /// Two that replace at once leave the word and the rules of one of them.
    #[test]
    fn two_replacements_leave_one_of_them() {
        loom::model(|| {
            let live = Arc::new(Live::new(rules(1, None)));
            let other = Arc::clone(&live);
            let replaces = loom::thread::spawn(move || other.replace(rules(2, None)));
            live.replace(rules(3, None));
            replaces.join().unwrap();
            assert_eq!(live.limits().0, live.rules().plan.max_attempts);
        });
    }
}
