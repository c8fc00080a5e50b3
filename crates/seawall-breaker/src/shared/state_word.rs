//! The word that every call reads.

use seawall_core::{CircuitState, Reason};

use crate::machine::{Machine, Recording};

/// The state in one word: the generation, and what a call has to do in it.
///
/// The lowest bits are all zero where a call only has to read the word: closed, no clock, and a
/// window that no success changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StateWord(pub(crate) u64);

/// The machine decides about admissions.
const ASK: u64 = 1;
/// Admissions are refused, until a moment that is in the refusal cache.
const REFUSE: u64 = 1 << 1;
/// The operator refuses.
const FORCED: u64 = 1 << 2;
/// Calls are timed: admissions and outcomes read the clock.
const TIMED: u64 = 1 << 3;
/// Each admission and each success is counted.
const TALLY: u64 = 1 << 4;
/// A success is counted in a batch.
const COUNT: u64 = 1 << 5;
/// A success is measured under the lock.
const MEASURE: u64 = 1 << 6;
/// The window slides with time: outcomes read the clock.
const SLIDES: u64 = 1 << 7;

const FLAGS: u64 = 0xFF;
/// The state, as an index into [`CircuitState::ALL`].
const STATE: u32 = 8;
const GENERATION: u32 = 12;

impl StateWord {
    pub(crate) fn of(machine: &Machine, recording: Recording) -> Self {
        let settings = machine.settings();
        let flag = |holds: bool, flag: u64| if holds { flag } else { 0 };
        let state = machine.state();
        let refuse = matches!(state, CircuitState::Open | CircuitState::ForcedOpen);
        let recording = match recording {
            Recording::UnderLock => MEASURE,
            Recording::Batched => COUNT,
            Recording::Skip => 0,
        };
        let flags = flag(!refuse && !machine.admits_all(), ASK)
            | flag(refuse, REFUSE)
            | flag(state == CircuitState::ForcedOpen, FORCED)
            | flag(machine.times_calls(), TIMED)
            | flag(settings.tally, TALLY)
            | recording
            | flag(settings.rules.slides(), SLIDES);
        let state = CircuitState::ALL.iter().position(|known| *known == state).unwrap_or(0) as u64;
        Self(machine.generation() << GENERATION | state << STATE | flags)
    }

    /// A word that sends every call to the lock while the refusal cache is changed.
    pub(crate) fn busy(self) -> Self {
        Self((self.0 & !FLAGS) | ASK | MEASURE)
    }

    pub(crate) fn state(self) -> CircuitState {
        CircuitState::ALL[(self.0 >> STATE) as usize & 0xF]
    }

    pub(crate) fn generation(self) -> u64 {
        self.0 >> GENERATION
    }

    /// Whether calls go through without a clock reading or a count.
    pub(crate) fn admits_at_once(self) -> bool {
        self.0 & (ASK | REFUSE | TIMED | TALLY) == 0
    }

    pub(crate) fn admits(self) -> bool {
        self.0 & (ASK | REFUSE) == 0
    }

    pub(crate) fn refuses(self) -> bool {
        self.0 & REFUSE != 0
    }

    /// The reason of a word that refuses.
    pub(crate) fn reason(self) -> Reason {
        if self.0 & FORCED != 0 { Reason::ForcedOpen } else { Reason::Open }
    }

    pub(crate) fn timed(self) -> bool {
        self.0 & TIMED != 0
    }

    pub(crate) fn tallies(self) -> bool {
        self.0 & TALLY != 0
    }

    /// Whether every outcome is measured under the lock.
    pub(crate) fn measures(self) -> bool {
        self.0 & MEASURE != 0
    }

    /// Whether a success changes nothing, and nothing has to be read to know that.
    pub(crate) fn is_quiet(self) -> bool {
        self.0 & FLAGS == 0
    }

    /// Whether a success that is not slow changes nothing.
    pub(crate) fn skips_successes(self) -> bool {
        self.0 & (COUNT | MEASURE) == 0
    }

    pub(crate) fn slides(self) -> bool {
        self.0 & SLIDES != 0
    }
}
