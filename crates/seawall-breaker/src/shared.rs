//! What the clones of a breaker share: the machine behind its lock, the words that calls read
//! without it, clock and listeners.
//!
//! Every decision is the machine's, under the lock. Three things take no lock because they decide
//! nothing: a call that a closed circuit admits, a success that can't open it, a refusal by an open
//! one. They read the [`StateWord`], which is written after every change under the lock. Successes
//! that have to be counted go into [`Stripes`]; whoever takes the lock next hands them to the
//! machine first.

use std::ops::Deref;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use seawall_core::admission::Mark;
use seawall_core::{CircuitState, EventKind, Listeners, Reporter, Timeline};
use tokio::time::Instant;

use crate::machine::{Effects, Machine, Recording, Restored, Settings, Trigger};
use crate::time::{NEVER, Nanos};
use crate::waiting::Waiters;
#[cfg(seawall_loom)]
pub(crate) use outcome::Uncounted;
pub(crate) use refusal_cache::REASONS;
use refusal_cache::RefusalCache;
use seawall_core::sync::{AtomicU64, Mutex, MutexGuard, fence};
pub(crate) use state_word::StateWord;
use stripes::{Stripe, Stripes};

mod admission;
mod outcome;
mod refusal_cache;
mod state_word;
mod stripes;

// In this order: words that outcomes write stand before the machine, words that every call reads
// behind it, so that the two share no cache line and need no padding.
#[repr(C)]
pub(crate) struct Shared {
    stripes: Stripes,
    machine: Mutex<Machine>,
    word: AtomicU64,
    /// When the window must slide.
    slides_at: AtomicU64,
    /// When the machine wants to learn how long an answer took.
    learns_at: AtomicU64,
    /// At and above this a call is slow.
    slow_after: AtomicU64,
    /// Made when it first refuses.
    refusals: OnceLock<Box<RefusalCache>>,
    timeline: Timeline,
    /// Made when a caller first waits for a verdict.
    pub(crate) waiters: OnceLock<Box<Waiters>>,
}

/// The breaker of one handle: what all its clones share, and whom this one reports to.
#[derive(Clone)]
pub(crate) struct Circuit {
    shared: Arc<Shared>,
    pub(crate) reporter: Reporter,
}

impl Deref for Circuit {
    type Target = Shared;

    #[inline]
    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// An admitted call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    pub(crate) word: StateWord,
    /// The number of the probe; 0 if it is none.
    pub(crate) probe: u32,
    /// When it was admitted, where calls are timed.
    pub(crate) began: Nanos,
}

/// What was counted without the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tallies {
    pub(crate) admitted: u64,
    /// For each of [`REASONS`].
    pub(crate) refused: [u64; REASONS.len()],
    pub(crate) abandoned: u64,
    pub(crate) ignored: u64,
    pub(crate) permanent: u64,
    pub(crate) overloaded: u64,
    pub(crate) panicked: u64,
    pub(crate) timed_out: u64,
}

impl Circuit {
    pub(crate) fn new(
        reporter: Reporter,
        settings: Arc<Settings>,
        restored: Option<&Restored>,
    ) -> Self {
        let openings = restored.map_or(0, |restored| restored.openings);
        let waits = settings.wait.draw(openings, restored.and_then(|restored| restored.wait));
        // The timeline starts where the restored state started, so that the state keeps its age.
        let now = Instant::now();
        let age = restored.map_or(Duration::ZERO, |restored| restored.age);
        let timeline = Timeline::since(now.checked_sub(age).unwrap_or(now));
        let start = timeline.at(now);
        let machine = match restored {
            Some(restored) => Machine::restore(settings, waits, restored, start),
            None => Machine::new(settings, waits, start),
        };
        Self::of(machine, timeline, reporter)
    }

    pub(crate) fn of(machine: Machine, timeline: Timeline, reporter: Reporter) -> Self {
        let shared = Shared {
            stripes: Stripes::new(),
            machine: Mutex::new(machine),
            word: AtomicU64::new(0),
            slides_at: AtomicU64::new(NEVER),
            learns_at: AtomicU64::new(NEVER),
            slow_after: AtomicU64::new(NEVER),
            refusals: OnceLock::new(),
            timeline,
            waiters: OnceLock::new(),
        };
        shared.publish(&shared.machine.lock());
        Self { shared: Arc::new(shared), reporter }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The same circuit for a pipeline with these listeners.
    pub(crate) fn heard_by(self, listeners: &Listeners) -> Self {
        Self { reporter: self.reporter.heard_by(listeners), ..self }
    }
}

impl Shared {
    pub(crate) fn word(&self) -> StateWord {
        // Acquire: what a transition wrote before it published the word is visible after it.
        StateWord(self.word.load(Acquire))
    }

    /// What a probe of `generation` is recognised by, in calls inside it.
    pub(crate) fn mark(&self, generation: u64) -> Mark {
        Mark::new(self, generation)
    }

    pub(crate) fn now(&self) -> Nanos {
        self.timeline.now()
    }

    pub(crate) fn moment(&self, at: Instant) -> Nanos {
        self.timeline.at(at)
    }

    /// The instant of `moment`; now, where the clock's range ends before it.
    pub(crate) fn instant(&self, moment: Nanos) -> Instant {
        self.timeline.instant(moment).unwrap_or_else(Instant::now)
    }
}

impl Circuit {
    /// Hands the machine the successes that were counted without it, runs `f` on it, publishes its
    /// new state and reports what happened.
    pub(crate) fn with<R>(&self, now: Nanos, f: impl FnOnce(&mut Machine, &mut Effects) -> R) -> R {
        self.with_locked(self.machine.lock(), now, f)
    }

    /// [`with`](Self::with), unless another thread is at it.
    fn try_with<R>(
        &self,
        now: Nanos,
        f: impl FnOnce(&mut Machine, &mut Effects) -> R,
    ) -> Option<R> {
        Some(self.with_locked(self.machine.try_lock()?, now, f))
    }

    fn with_locked<R>(
        &self,
        mut machine: MutexGuard<'_, Machine>,
        now: Nanos,
        f: impl FnOnce(&mut Machine, &mut Effects) -> R,
    ) -> R {
        let mut effects = Effects::new();
        machine.add_successes(self.stripes.close());
        let result = f(&mut machine, &mut effects);
        self.publish(&machine);
        if effects.is_empty() {
            return result;
        }
        let opened = effects.iter().any(opens);
        self.queue(&mut effects, now);
        drop(machine);
        self.deliver(effects, now, opened);
        result
    }
}

impl Shared {
    /// Publishes what calls read without the lock.
    fn publish(&self, machine: &Machine) {
        let recording = machine.recording();
        let word = StateWord::of(machine, recording);
        let before = StateWord(self.word.load(Relaxed));
        if word.refuses() && word != before {
            // First the word, then the cache: a reader that sees a new part of the cache and then
            // reads the word again must not find the old one.
            self.word.store(before.busy().0, Relaxed);
            fence(Release);
            self.refusals().write(word, machine.refusal_terms());
        }
        store_if_changed(&self.slides_at, machine.slides_at());
        store_if_changed(&self.learns_at, machine.learns_at());
        store_if_changed(&self.slow_after, machine.settings().rules.slow_after());
        if self.word.load(Relaxed) != word.0 {
            self.word.store(word.0, Release);
        }
        // Last: whoever finds the stripes open finds the words that go with them.
        if recording == Recording::Batched {
            self.stripes.open(machine.generation());
        }
    }

    /// Made with the first opening, so that a refusal by an open circuit allocates nothing.
    fn refusals(&self) -> &RefusalCache {
        self.refusals.get_or_init(Box::default)
    }

    /// Reads the machine as the last call left it.
    pub(crate) fn peek<R>(&self, f: impl FnOnce(&Machine) -> R) -> R {
        f(&self.machine.lock())
    }
}

impl Circuit {
    /// Reads the machine at `now`, and what was counted without it. Settled calls are read before
    /// admitted ones, so under load a reader never sees more settled than admitted.
    pub(crate) fn read<R>(&self, now: Nanos, f: impl FnOnce(&Machine, Tallies) -> R) -> R {
        self.with(now, |machine, _| {
            machine.slide(now);
            let sum = |counter| self.stripes.sum(counter);
            let tallies = Tallies {
                refused: self.refusals.get().map_or([0; REASONS.len()], |it| it.counted()),
                abandoned: sum(|stripe: &Stripe| &stripe.abandoned),
                ignored: sum(|stripe| &stripe.ignored),
                permanent: sum(|stripe| &stripe.permanent),
                overloaded: sum(|stripe| &stripe.overloaded),
                panicked: sum(|stripe| &stripe.panicked),
                timed_out: sum(|stripe| &stripe.timed_out),
                admitted: sum(|stripe| &stripe.admitted),
            };
            f(machine, tallies)
        })
    }

    pub(crate) fn operate(&self, trigger: Trigger) {
        let now = self.now();
        self.with(now, |machine, effects| machine.operate(trigger, now, effects));
    }
}

impl Shared {
    /// Draws the waits of the next opening. Outside the lock: the backoff and its random source may
    /// be the user's code.
    pub(crate) fn draw_waits(&self) {
        let (settings, openings, last) = self.peek(|machine| {
            let last = machine.open_until().map(|(_, wait)| wait);
            (Arc::clone(machine.settings()), machine.openings(), last)
        });
        let waits = settings.wait.draw(openings, last);
        self.machine.lock().set_waits(waits, &settings);
    }

    /// As after two threads have met at the first counter.
    #[cfg(any(test, seawall_loom))]
    pub(crate) fn spread(&self) {
        self.stripes.spread();
    }
}

fn opens(effect: &EventKind) -> bool {
    let (EventKind::Transition(transition) | EventKind::Shadowed(transition)) = effect else {
        return false;
    };
    transition.to == CircuitState::Open
}

/// Writes only what changes: a cache line that is not written stays in every core's cache.
fn store_if_changed(word: &AtomicU64, value: u64) {
    if word.load(Relaxed) != value {
        word.store(value, Relaxed);
    }
}
