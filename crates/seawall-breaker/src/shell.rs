//! The machine behind a lock, and what is done without it.
//!
//! Everything that decides goes through the machine, under the lock. What can decide nothing does
//! not: a call that a closed circuit admits, an outcome that can't open it, a refusal of an open
//! one. They look at the [`Gate`], a word that is written after every change under the lock.
//! Outcomes that only have to be counted are gathered in batches: the [`Log`] says which is open
//! and takes the failures, [`Counters`] take the successes. Whoever takes the lock next tells the
//! machine of them first.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, OnceLock};

use crate::machine::{Ease, Happened, Machine, Refusal, Settings, Ticket, Waits};
use crate::sync::{AtomicU64, Mutex, fence};
use crate::time::{NEVER, Nanos};
use counters::{Counters, Line};
use evidence::Refusals;
pub(crate) use gate::Gate;
use log::Log;
pub(crate) use outcome::Nothing;

mod admission;
mod counters;
mod evidence;
mod gate;
mod log;
mod outcome;

/// The shared state of a breaker. Told the time, tells what happened.
// In this order: what outcomes write stands before the machine, what every call reads behind it, so
// that the two share no cache line and cost no padding.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Shell {
    log: Log,
    counters: Counters,
    machine: Mutex<Machine>,
    gate: AtomicU64,
    /// When the window must slide.
    slides_at: AtomicU64,
    /// How many successes may be pending in one counter.
    pending_limit: AtomicU64,
    /// At and above this a call is slow.
    slow_after: AtomicU64,
    /// Made when it first refuses.
    refusals: OnceLock<Box<Refusals>>,
}

/// An admission as the shell knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    pub(crate) gate: Gate,
    /// Which probe it is; 0 if none.
    pub(crate) probe: u32,
    /// When it was admitted, where calls are timed.
    pub(crate) began: Nanos,
}

/// What an attempt to get in came to.
#[derive(Debug)]
pub(crate) enum Entry {
    Admitted(Admitted),
    Refused(Refusal),
    /// Goes through, though it would have been refused.
    Shadowed(Admitted, Refusal),
}

/// Who is told of what happened.
pub(crate) trait Report {
    /// Takes the transitions out of what happened, in order. Called under the lock.
    fn queue(&self, happened: &mut Happened, now: Nanos);
    /// Tells the listeners of them and of the rest, and draws the next waits if the circuit has
    /// `opened`. Called after the lock was released.
    fn deliver(&self, rest: Happened, now: Nanos, opened: bool);
}

/// What was counted beside the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tallies {
    pub(crate) admitted: u64,
    pub(crate) refused: u64,
    pub(crate) abandoned: u64,
    pub(crate) ignored: u64,
    pub(crate) permanent: u64,
    pub(crate) overloaded: u64,
    pub(crate) panicked: u64,
}

impl Admitted {
    /// The admission of a circuit that is closed and wants to know no more.
    #[inline]
    pub(crate) fn at_once(gate: Gate) -> Self {
        Self { gate, probe: 0, began: 0 }
    }

    /// The gate alone, where that is all there is to an admission: it is no probe, and the call is
    /// not timed.
    #[inline]
    pub(crate) fn plain(self) -> Option<Gate> {
        (self.probe == 0 && !self.gate.timed()).then_some(self.gate)
    }

    pub(crate) fn generation(self) -> u64 {
        self.gate.generation()
    }

    pub(crate) fn is_probe(self) -> bool {
        self.probe != 0 && self.probe != Ticket::UNMEASURED
    }

    fn ticket(self) -> Ticket {
        Ticket { generation: self.gate.generation(), probe: self.probe, began: self.began }
    }
}

impl Shell {
    pub(crate) fn new(machine: Machine) -> Self {
        let shell = Self {
            gate: AtomicU64::new(0),
            log: Log::closed(),
            slides_at: AtomicU64::new(NEVER),
            pending_limit: AtomicU64::new(0),
            slow_after: AtomicU64::new(NEVER),
            refusals: OnceLock::new(),
            counters: Counters::new(),
            machine: Mutex::new(machine),
        };
        let mut machine = shell.machine.lock();
        shell.tell(&mut machine);
        shell.publish(&machine);
        drop(machine);
        shell
    }

    #[inline]
    pub(crate) fn gate(&self) -> Gate {
        // Acquire: what a transition wrote before it published the gate is visible behind it.
        Gate(self.gate.load(Acquire))
    }

    /// The gate, for an admission that is over with it. Who goes on to read what stands beside it
    /// needs [`gate`](Self::gate).
    #[inline]
    pub(crate) fn glance(&self) -> Gate {
        // Relaxed: nothing is read behind it, and an outcome looks at the gate again. Any more, and
        // a caller would have to look again at what it has just written.
        Gate(self.gate.load(Relaxed))
    }

    /// Runs `f` on the machine, which was told of every outcome that came before; then publishes
    /// what became of it.
    pub(crate) fn with<R>(
        &self,
        now: Nanos,
        report: &impl Report,
        f: impl FnOnce(&mut Machine, &mut Happened) -> R,
    ) -> R {
        let mut happened = Happened::new();
        let mut machine = self.machine.lock();
        self.tell(&mut machine);
        let openings = machine.totals().openings;
        let result = f(&mut machine, &mut happened);
        let opened = machine.totals().openings != openings;
        self.publish(&machine);
        let tell = !happened.is_empty();
        if tell {
            report.queue(&mut happened, now);
        }
        drop(machine);
        if tell {
            report.deliver(happened, now, opened);
        }
        result
    }

    /// Tells the machine of what was noted without the lock.
    fn tell(&self, machine: &mut Machine) {
        let batch = self.log.close();
        let [before, behind @ ..] = self.counters.take(batch.next());
        machine.add_successes(before);
        for &successes in &behind[..batch.place() as usize] {
            machine.add_failure();
            machine.add_successes(successes);
        }
    }

    /// Made with the first opening, so that a refusal by an open circuit allocates nothing.
    fn refusals(&self) -> &Refusals {
        self.refusals.get_or_init(Box::default)
    }

    fn publish(&self, machine: &Machine) {
        let ease = machine.ease();
        let gate = Gate::of(machine, ease);
        let before = Gate(self.gate.load(Relaxed));
        if gate.refuses() && gate != before {
            // First the gate, then the words: a reader who sees one of the new words and then
            // looks at the gate again must not find the old one.
            self.gate.store(before.busy().0, Relaxed);
            fence(Release);
            self.refusals().write(gate.unforced(), machine.refusing());
        }
        change(&self.slides_at, machine.slides_at());
        change(&self.pending_limit, machine.pending_limit().min(Counters::MOST_PENDING));
        change(&self.slow_after, machine.settings().rules.slow_after());
        if self.gate.load(Relaxed) != gate.0 {
            self.gate.store(gate.0, Release);
        }
        // Last: an outcome that finds the log open finds it with the gate that it goes with.
        match ease {
            Ease::Locked => {}
            Ease::Counted { failures } => self.log.open(failures),
            Ease::Skipped => self.log.open(0),
        }
    }

    /// As after two threads have met at the counters.
    #[cfg(any(test, seawall_loom))]
    pub(crate) fn spread(&self) {
        self.counters.spread();
    }

    /// Hands the machine the waits that were drawn for it, from these settings.
    pub(crate) fn hand_waits(&self, waits: Waits, of: &Arc<Settings>) {
        self.machine.lock().hand_waits(waits, of);
    }

    /// Reads the machine as the last call left it.
    pub(crate) fn peek<R>(&self, f: impl FnOnce(&Machine) -> R) -> R {
        f(&self.machine.lock())
    }

    /// Reads the machine, told of every outcome that came before and slid to `now`, and the
    /// counters beside it. What was settled is read before what was admitted, so under load a
    /// reader never sees more settled than admitted.
    pub(crate) fn read<R>(
        &self,
        now: Nanos,
        report: &impl Report,
        f: impl FnOnce(&Machine, Tallies) -> R,
    ) -> R {
        self.with(now, report, |machine, _| {
            machine.slide(now);
            let sum = |counter| self.counters.sum(counter);
            let tallies = Tallies {
                refused: self.refusals.get().map_or(0, |refusals| refusals.counted()),
                abandoned: sum(|line: &Line| &line.abandoned),
                ignored: sum(|line| &line.ignored),
                permanent: sum(|line| &line.permanent),
                overloaded: sum(|line| &line.overloaded),
                panicked: sum(|line| &line.panicked),
                admitted: sum(|line| &line.admitted),
            };
            f(machine, tallies)
        })
    }
}

/// Writes only what changes: a line that is not written stays in every core's cache.
fn change(word: &AtomicU64, value: u64) {
    if word.load(Relaxed) != value {
        word.store(value, Relaxed);
    }
}
