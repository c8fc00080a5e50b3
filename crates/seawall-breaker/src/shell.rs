//! The machine behind a lock, and what is done without it.
//!
//! Everything that decides goes through the machine, under the lock. What can decide nothing does
//! not: a call that a closed circuit admits, a success that can't open it, a refusal of an open
//! one. They look at the [`Gate`], a word that is written after every change under the lock.
//! Successes that must be counted but decide nothing are counted in [`Shard`]s; whoever takes the
//! lock next tells the machine of them first.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::machine::{
    Admission, Happened, Machine, Outcome, Refusal, Refusing, Settled, Ticket, Waits,
};
use crate::sync::{AtomicU64, Mutex, fence};
use crate::time::{NEVER, Nanos};
use evidence::Words;
pub(crate) use gate::Gate;
use shard::{Shard, thread_number};

mod evidence;
mod gate;
mod shard;

/// The shared state of a breaker. Told the time, tells what happened.
#[derive(Debug)]
pub(crate) struct Shell {
    gate: AtomicU64,
    /// When the window must slide.
    slides_at: AtomicU64,
    /// How many successes may be pending in one shard.
    pending_limit: AtomicU64,
    /// At and above this a call is slow.
    slow_after: AtomicU64,
    refusing: Words,
    shards: Box<[Shard]>,
    locked: Mutex<Locked>,
}

#[derive(Debug)]
struct Locked {
    machine: Machine,
    happened: Happened,
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
    /// Takes what happened, in order. Called under the lock.
    fn queue(&self, happened: &mut Happened, now: Nanos);
    /// Tells the listeners, and draws the next waits if the circuit has `opened`. Called after the
    /// lock was released.
    fn deliver(&self, opened: bool);
}

impl Admitted {
    /// The admission of a circuit that is closed and wants to know no more.
    #[inline]
    pub(crate) fn at_once(gate: Gate) -> Self {
        Self { gate, probe: 0, began: 0 }
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
    pub(crate) fn new(machine: Machine, shards: usize) -> Self {
        let shell = Self {
            gate: AtomicU64::new(0),
            slides_at: AtomicU64::new(NEVER),
            pending_limit: AtomicU64::new(0),
            slow_after: AtomicU64::new(NEVER),
            refusing: Words::new(),
            shards: (0..shards.next_power_of_two()).map(|_| Shard::new()).collect(),
            locked: Mutex::new(Locked { machine, happened: Happened::new() }),
        };
        let locked = shell.locked.lock();
        for shard in &shell.shards {
            shard.retag(locked.machine.generation());
        }
        shell.publish(&locked.machine);
        drop(locked);
        shell
    }

    #[inline]
    pub(crate) fn gate(&self) -> Gate {
        // Acquire: what a transition wrote before it published the gate is visible behind it.
        Gate(self.gate.load(Acquire))
    }

    #[inline]
    fn shard(&self) -> &Shard {
        &self.shards[thread_number() & (self.shards.len() - 1)]
    }

    /// Admits a call that a closed circuit admits, or asks the machine.
    pub(crate) fn admit(&self, gate: Gate, now: Nanos, report: &impl Report) -> Entry {
        if gate.admits() {
            let admitted = Admitted { gate, probe: 0, began: now };
            return Entry::Admitted(self.count_admission(admitted));
        }
        self.ask(now, report)
    }

    fn count_admission(&self, admitted: Admitted) -> Admitted {
        if admitted.gate.tallies() {
            self.shard().admitted.fetch_add(1, Relaxed);
        }
        admitted
    }

    #[inline]
    pub(crate) fn count_refusal(&self) {
        self.shard().refused.fetch_add(1, Relaxed);
    }

    /// Refuses on what is beside the gate; `None` if the wait is over or the state has changed.
    #[inline]
    pub(crate) fn refuse(&self, gate: Gate, now: Nanos) -> Option<Refusing> {
        let refusing = self.refusing.read();
        // The words were read before the gate is read again. A writer changes the gate before it
        // changes the words (see `publish`), so a gate that is the same says that they were too.
        fence(Acquire);
        if now >= refusing.until || self.gate.load(Relaxed) != gate.0 {
            return None;
        }
        Some(refusing)
    }

    #[cold]
    fn ask(&self, now: Nanos, report: &impl Report) -> Entry {
        let (admission, gate) = self.with(now, report, |machine, happened| {
            let admission = machine.admit(now, happened);
            (admission, Gate::of(machine))
        });
        let admitted = |ticket: Ticket| {
            self.count_admission(Admitted { gate, probe: ticket.probe, began: now })
        };
        match admission {
            Admission::Admitted(ticket) => Entry::Admitted(admitted(ticket)),
            Admission::Shadowed(ticket, refusal) => Entry::Shadowed(admitted(ticket), refusal),
            Admission::Refused(refusal) => Entry::Refused(refusal),
        }
    }

    /// Settles a success without touching anything, where it changes nothing.
    #[inline]
    pub(crate) fn succeeds_at_once(&self, admitted: Admitted) -> bool {
        // A gate that is the same is of the same generation. Relaxed: nothing is read behind it.
        self.gate.load(Relaxed) == admitted.gate.0 && admitted.gate.is_quiet()
    }

    /// Settles a success.
    #[inline]
    pub(crate) fn succeed(
        &self,
        admitted: Admitted,
        clock: impl Fn() -> Nanos,
        report: &impl Report,
    ) -> (Settled, Option<Nanos>) {
        if self.counts_at_once(admitted, &clock, report) {
            (Settled::Counted, None)
        } else {
            self.measure(admitted, clock, report)
        }
    }

    /// Settles a success where counting it is all there is to it.
    #[inline]
    fn counts_at_once(
        &self,
        admitted: Admitted,
        clock: impl Fn() -> Nanos,
        report: &impl Report,
    ) -> bool {
        let gate = self.gate();
        gate == admitted.gate
            && admitted.probe == 0
            && gate.counts_successes()
            && !gate.timed()
            && (!gate.slides() || clock() < self.slides_at.load(Relaxed))
            && self.count(gate, clock, report)
    }

    #[inline(never)]
    fn measure(
        &self,
        admitted: Admitted,
        clock: impl FnOnce() -> Nanos,
        report: &impl Report,
    ) -> (Settled, Option<Nanos>) {
        let gate = self.gate();
        let same = gate.generation() == admitted.gate.generation() && admitted.probe == 0;
        if same && gate.skips_successes() && !gate.timed() {
            return (Settled::Counted, None);
        }
        let now = clock();
        let slow = self.slow(admitted, now);
        if same && slow.is_none() {
            if gate.skips_successes() {
                return (Settled::Counted, None);
            }
            let in_slice = !gate.slides() || now < self.slides_at.load(Relaxed);
            if gate.counts_successes() && in_slice && self.count(gate, || now, report) {
                return (Settled::Counted, None);
            }
        }
        let outcome = Outcome { failed: false, slow: slow.is_some(), hint: None };
        (self.settle(admitted, outcome, now, report), slow)
    }

    /// Counts a success for the machine to be told of later; not if its generation is over.
    #[inline]
    fn count(&self, gate: Gate, clock: impl FnOnce() -> Nanos, report: &impl Report) -> bool {
        let Some(pending) = self.shard().count_success(gate.generation()) else { return false };
        if pending >= self.pending_limit.load(Relaxed) {
            self.flush(clock(), report);
        }
        true
    }

    /// Tells the machine of the successes that are pending.
    #[cold]
    #[inline(never)]
    fn flush(&self, now: Nanos, report: &impl Report) {
        self.with(now, report, |_, _| ());
    }

    /// Settles a failure.
    pub(crate) fn fail(
        &self,
        admitted: Admitted,
        hint: Option<Nanos>,
        now: Nanos,
        report: &impl Report,
    ) -> (Settled, Option<Nanos>) {
        let slow = self.slow(admitted, now);
        let outcome = Outcome { failed: true, slow: slow.is_some(), hint };
        (self.settle(admitted, outcome, now, report), slow)
    }

    fn settle(
        &self,
        admitted: Admitted,
        outcome: Outcome,
        now: Nanos,
        report: &impl Report,
    ) -> Settled {
        let (settled, question) = self.with(now, report, |machine, happened| {
            let settled = machine.settle(admitted.ticket(), outcome, now, happened);
            (settled, machine.question(outcome))
        });
        // The predicate is the user's code: it is asked without the lock.
        if let Some(question) = question
            && question.holds()
        {
            self.with(now, report, |machine, happened| {
                machine.predicate_held(&question, now, happened);
            });
        }
        settled
    }

    /// Hands the machine the waits that were drawn for it.
    pub(crate) fn hand_waits(&self, waits: Waits) {
        self.locked.lock().machine.hand_waits(waits);
    }

    /// Reads the machine as the last call left it.
    pub(crate) fn peek<R>(&self, f: impl FnOnce(&Machine) -> R) -> R {
        f(&self.locked.lock().machine)
    }

    /// How long a call took that was slow.
    fn slow(&self, admitted: Admitted, now: Nanos) -> Option<Nanos> {
        let elapsed = now.saturating_sub(admitted.began);
        let slow = admitted.gate.timed() && elapsed >= self.slow_after.load(Relaxed);
        slow.then_some(elapsed)
    }

    /// Runs `f` on the machine, which was told of every success that came before; then publishes
    /// what became of it.
    pub(crate) fn with<R>(
        &self,
        now: Nanos,
        report: &impl Report,
        f: impl FnOnce(&mut Machine, &mut Happened) -> R,
    ) -> R {
        let mut locked = self.locked.lock();
        let Locked { machine, happened } = &mut *locked;
        self.drain(machine);
        let (generation, openings) = (machine.generation(), machine.totals().openings);
        let result = f(machine, happened);
        let opened = machine.totals().openings != openings;
        if machine.generation() != generation {
            self.retag(machine);
        }
        self.publish(machine);
        let tell = !happened.is_empty();
        if tell {
            report.queue(happened, now);
        }
        drop(locked);
        if tell {
            report.deliver(opened);
        }
        result
    }

    fn drain(&self, machine: &mut Machine) {
        let generation = machine.generation();
        let pending = self.shards.iter().map(|shard| shard.drain(generation)).sum();
        machine.add_successes(pending);
    }

    /// Successes that were counted after the drain belong to the generation that is over: they
    /// count in the totals, but there is no window for them any more.
    fn retag(&self, machine: &mut Machine) {
        let generation = machine.generation();
        let late = self.shards.iter().map(|shard| shard.retag(generation)).sum();
        machine.add_late_successes(late);
    }

    fn publish(&self, machine: &Machine) {
        let gate = Gate::of(machine);
        let before = Gate(self.gate.load(Relaxed));
        if gate.refuses() && gate != before {
            // First the gate, then the words: a reader who sees one of the new words and then
            // looks at the gate again must not find the old one.
            self.gate.store(before.busy().0, Relaxed);
            fence(Release);
            self.refusing.write(machine.refusing());
        }
        change(&self.slides_at, machine.slides_at());
        change(&self.pending_limit, machine.pending_limit());
        change(&self.slow_after, machine.settings().rules.slow_after());
        if self.gate.load(Relaxed) != gate.0 {
            self.gate.store(gate.0, Release);
        }
    }

    /// Reads the machine, told of every success that came before and slid to `now`, and the
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
            let sum = |counter: fn(&Shard) -> &AtomicU64| {
                self.shards.iter().map(|shard| counter(shard).load(Acquire)).sum()
            };
            let tallies = Tallies {
                refused: sum(|shard| &shard.refused),
                abandoned: sum(|shard| &shard.abandoned),
                ignored: sum(|shard| &shard.ignored),
                admitted: sum(|shard| &shard.admitted),
            };
            f(machine, tallies)
        })
    }

    /// Gives an admission back that came to nothing.
    pub(crate) fn give_back(
        &self,
        admitted: Admitted,
        why: Nothing,
        clock: impl FnOnce() -> Nanos,
        report: &impl Report,
    ) {
        let shard = self.shard();
        match why {
            Nothing::Abandoned => shard.abandoned.fetch_add(1, Release),
            Nothing::Ignored => shard.ignored.fetch_add(1, Release),
        };
        if admitted.probe != 0 {
            let now = clock();
            self.with(now, report, |machine, happened| {
                machine.give_back(admitted.ticket(), now, happened)
            });
        }
    }
}

/// Why an admission came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nothing {
    Abandoned,
    Ignored,
}

/// What was counted beside the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tallies {
    pub(crate) admitted: u64,
    pub(crate) refused: u64,
    pub(crate) abandoned: u64,
    pub(crate) ignored: u64,
}

/// Writes only what changes: a line that is not written stays in every core's cache.
fn change(word: &AtomicU64, value: u64) {
    if word.load(Relaxed) != value {
        word.store(value, Relaxed);
    }
}
