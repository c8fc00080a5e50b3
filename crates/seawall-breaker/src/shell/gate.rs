//! The one word that a call looks at.

use seawall_core::{CircuitState, Reason};

use crate::machine::{Ease, Machine};

/// The state in one word: the generation, and what a call has to do in it.
///
/// The lowest bits are all zero where a call has nothing to do but to look: closed, no clock, and
/// a window that no success can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gate(pub(crate) u64);

/// Admission has to ask under the lock.
const ASK: u64 = 1;
/// Admission is refused, until a moment that is beside this word.
const REFUSE: u64 = 1 << 1;
/// It is the operator who refuses.
const FORCED: u64 = 1 << 2;
/// Calls are timed: admission reads the clock, and so does the outcome.
const TIMED: u64 = 1 << 3;
/// Each admission and each success is counted.
const TALLY: u64 = 1 << 4;
/// A fast success is counted.
const COUNT: u64 = 1 << 5;
/// A fast success is measured under the lock.
const MEASURE: u64 = 1 << 6;
/// The window slides with time: an outcome reads the clock.
const SLIDES: u64 = 1 << 7;

const FLAGS: u64 = 0xFF;
/// The state, as an index into [`STATES`].
const STATE: u32 = 8;
const GENERATION: u32 = 12;

const STATES: [CircuitState; 7] = [
    CircuitState::Closed,
    CircuitState::Open,
    CircuitState::HalfOpen,
    CircuitState::Ramping,
    CircuitState::ForcedOpen,
    CircuitState::ForcedClosed,
    CircuitState::Shadow,
];

impl Gate {
    pub(crate) fn of(machine: &Machine, ease: Ease) -> Self {
        let settings = machine.settings();
        let flag = |holds: bool, flag: u64| if holds { flag } else { 0 };
        let state = machine.state();
        let refuse = matches!(state, CircuitState::Open | CircuitState::ForcedOpen);
        let ask = !refuse && !machine.admits_all();
        let ease = match ease {
            Ease::Locked => MEASURE,
            Ease::Counted { .. } => COUNT,
            Ease::Skipped => flag(settings.tally, COUNT),
        };
        let flags = flag(ask, ASK)
            | flag(refuse, REFUSE)
            | flag(state == CircuitState::ForcedOpen, FORCED)
            | flag(settings.rules.slow().is_some(), TIMED)
            | flag(settings.tally, TALLY)
            | ease
            | flag(settings.rules.slides(), SLIDES);
        let state = STATES.iter().position(|known| *known == state).unwrap_or(0) as u64;
        Self(machine.generation() << GENERATION | state << STATE | flags)
    }

    /// A word that sends every call to the lock, for while the words beside it are changed.
    pub(crate) fn busy(self) -> Self {
        Self((self.0 & !FLAGS) | ASK | MEASURE)
    }

    pub(crate) fn state(self) -> CircuitState {
        STATES[(self.0 >> STATE) as usize & 0xF]
    }

    pub(crate) fn generation(self) -> u64 {
        self.0 >> GENERATION
    }

    /// Whether calls go through, and nobody wants to know when or how many.
    #[inline]
    pub(crate) fn admits_at_once(self) -> bool {
        self.0 & (ASK | REFUSE | TIMED | TALLY) == 0
    }

    pub(crate) fn admits(self) -> bool {
        self.0 & (ASK | REFUSE) == 0
    }

    pub(crate) fn refuses(self) -> bool {
        self.0 & REFUSE != 0
    }

    /// The same word, but for an operator's order. No gate that refuses without one is like it: the
    /// state is another.
    pub(crate) fn unforced(self) -> Self {
        Self(self.0 & !FORCED)
    }

    /// Why a gate that refuses does.
    #[inline]
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

    /// Whether a success changes nothing.
    #[inline]
    pub(crate) fn is_quiet(self) -> bool {
        self.0 & FLAGS == 0
    }

    /// Whether a fast success changes nothing.
    pub(crate) fn skips_successes(self) -> bool {
        self.0 & (ASK | REFUSE | COUNT | MEASURE) == 0
    }

    #[inline]
    pub(crate) fn slides(self) -> bool {
        self.0 & SLIDES != 0
    }
}
