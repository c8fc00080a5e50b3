//! What is wrong with one server at each time: the faults, taken apart and laid over each other.

use crate::scenario::{Fault, Kind};
use crate::time::{Nanos, seconds};

/// What is wrong between two boundaries.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "faults overlap: each is there or not")]
pub(crate) struct Effect {
    /// Nothing gets in, and what is inside is lost.
    pub(crate) down: bool,
    /// Nothing gets in.
    pub(crate) refuses: bool,
    pub(crate) black_hole: bool,
    /// Work stands still.
    pub(crate) frozen: bool,
    /// How many slots are left, if not all.
    pub(crate) slots: Option<u32>,
    /// Shares of requests that fail after the work, fail at once, and vanish.
    pub(crate) errors: f64,
    pub(crate) errors_at_once: f64,
    pub(crate) vanish: f64,
    slow: Vec<Slope>,
}

/// A factor that changes linearly.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slope {
    from: Nanos,
    until: Nanos,
    first: f64,
    last: f64,
}

impl Effect {
    /// How many times as long a request takes that begins at `at`.
    pub(crate) fn factor(&self, at: Nanos) -> f64 {
        let factor = |slope: &Slope| {
            let length = seconds(slope.until - slope.from);
            let share = seconds(at.saturating_sub(slope.from)) / length;
            slope.first + (slope.last - slope.first) * share.clamp(0.0, 1.0)
        };
        self.slow.iter().map(factor).product()
    }

    /// Whether a request that is sent now would be answered.
    pub(crate) fn lets_in(&self) -> bool {
        !(self.down || self.refuses || self.black_hole)
    }
}

/// A fault or a part of one that stays the same, or changes linearly.
#[derive(Clone, Copy, Debug)]
struct Spell {
    from: Nanos,
    until: Nanos,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Down,
    Refuse,
    BlackHole,
    Freeze,
    Slots(u32),
    Errors(f64),
    ErrorsAtOnce(f64),
    Vanish(f64),
    Slow(f64, f64),
}

/// What is wrong with one server, over time.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// Each holds from its time until that of the next. The first begins at 0.
    segments: Vec<(Nanos, Effect)>,
}

impl Trouble {
    /// What `faults` do to server `backend` of `backends`; none lasts beyond `end`.
    pub(crate) fn new(faults: &[Fault], backend: u32, backends: u32, end: Nanos) -> Self {
        let mut spells = Vec::new();
        let hits = |fault: &&Fault| fault.backend.is_none_or(|only| only == backend);
        for fault in faults.iter().filter(hits) {
            take_apart(fault, backend, backends, end, &mut spells);
        }
        spells.retain(|spell| spell.from < spell.until);
        let mut times: Vec<_> = spells.iter().flat_map(|spell| [spell.from, spell.until]).collect();
        times.push(0);
        times.sort_unstable();
        times.dedup();
        spells.sort_by_key(|spell| spell.from);
        let mut active: Vec<Spell> = Vec::new();
        let mut next = 0;
        let segment = |time: Nanos| {
            active.retain(|spell| spell.until > time);
            while spells.get(next).is_some_and(|spell| spell.from <= time) {
                active.push(spells[next]);
                next += 1;
            }
            (time, effect(&active))
        };
        Self { segments: times.into_iter().map(segment).collect() }
    }

    /// When something changes.
    pub(crate) fn boundaries(&self) -> impl Iterator<Item = Nanos> {
        self.segments.iter().map(|segment| segment.0).skip(1)
    }

    /// The index of the segment at `at`.
    fn index(&self, at: Nanos) -> usize {
        if self.segments.len() == 1 {
            return 0;
        }
        self.segments.partition_point(|segment| segment.0 <= at) - 1
    }

    /// What is wrong at `at`.
    pub(crate) fn at(&self, at: Nanos) -> &Effect {
        &self.segments[self.index(at)].1
    }

    /// When work of length `work` that begins at `at` is done: it stands still where the server does.
    pub(crate) fn done(&self, at: Nanos, mut work: Nanos) -> Nanos {
        let mut at = at;
        for index in self.index(at).. {
            let Some((until, _)) = self.segments.get(index + 1) else { break };
            if self.segments[index].1.frozen {
                at = *until;
            } else if at + work < *until {
                break;
            } else {
                work -= until - at;
                at = *until;
            }
        }
        at.saturating_add(work)
    }
}

fn effect(spells: &[Spell]) -> Effect {
    let mut effect = Effect::default();
    let either = |one: &mut f64, other: f64| *one = 1.0 - (1.0 - *one) * (1.0 - other);
    for spell in spells {
        match spell.what {
            What::Down => effect.down = true,
            What::Refuse => effect.refuses = true,
            What::BlackHole => effect.black_hole = true,
            What::Freeze => effect.frozen = true,
            What::Slots(left) => {
                effect.slots = Some(effect.slots.map_or(left, |other| other.min(left)));
            }
            What::Errors(share) => either(&mut effect.errors, share),
            What::ErrorsAtOnce(share) => either(&mut effect.errors_at_once, share),
            What::Vanish(share) => either(&mut effect.vanish, share),
            What::Slow(first, last) => {
                let Spell { from, until, .. } = *spell;
                effect.slow.push(Slope { from, until, first, last });
            }
        }
    }
    effect
}

fn take_apart(fault: &Fault, backend: u32, backends: u32, end: Nanos, spells: &mut Vec<Spell>) {
    let (at, until) = (fault.at, fault.until.min(end));
    let mut add = |from: Nanos, to: Nanos, what| {
        spells.push(Spell { from, until: to.min(until), what });
    };
    let length = until.saturating_sub(at);
    match fault.kind {
        Kind::Down => add(at, until, What::Down),
        Kind::Refuse => add(at, until, What::Refuse),
        Kind::BlackHole => add(at, until, What::BlackHole),
        Kind::Vanish { share } => add(at, until, What::Vanish(share)),
        Kind::Freeze => add(at, until, What::Freeze),
        Kind::Pauses { pause, every } => {
            for turn in 0..length.div_ceil(every) {
                add(at + turn * every, at + turn * every + pause, What::Freeze);
            }
        }
        Kind::Slow { times } => add(at, until, What::Slow(times, times)),
        Kind::Ramp { times } => {
            let middle = at + length / 2;
            add(at, middle, What::Slow(1.0, times));
            add(middle, until, What::Slow(times, 1.0));
        }
        Kind::Errors { share, at_once: true } => add(at, until, What::ErrorsAtOnce(share)),
        Kind::Errors { share, at_once: false } => add(at, until, What::Errors(share)),
        Kind::Slots { left } => add(at, until, What::Slots(left)),
        Kind::Flapping { every } => {
            for turn in (0..length.div_ceil(every)).step_by(2) {
                add(at + turn * every, at + (turn + 1) * every, What::Down);
            }
        }
        Kind::ColdStart { times } => {
            // The process is away for a moment only: long enough to lose what it had.
            add(at, at + crate::time::MILLISECOND, What::Down);
            add(at, until, What::Slow(times, 1.0));
        }
        Kind::Deploy { down, times } => {
            let turn = length / u64::from(backends);
            let mine = at + turn * u64::from(backend);
            add(mine, (mine + down).min(mine + turn), What::Down);
            add(mine + down, mine + turn, What::Slow(times, 1.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{MILLISECOND, SECOND};

    fn fault(kind: Kind, at: Nanos, until: Nanos) -> Fault {
        Fault { kind, at, until, backend: None }
    }

    #[test]
    fn faults_lie_over_each_other() {
        let faults = [
            fault(Kind::Slow { times: 5.0 }, SECOND, 4 * SECOND),
            fault(Kind::Slow { times: 2.0 }, 2 * SECOND, 3 * SECOND),
            fault(Kind::Errors { share: 0.5, at_once: false }, 2 * SECOND, 5 * SECOND),
            fault(Kind::Errors { share: 0.5, at_once: false }, 2 * SECOND, 3 * SECOND),
        ];
        let trouble = Trouble::new(&faults, 0, 1, 100 * SECOND);
        let factors: Vec<_> = (0..6)
            .map(|n| n * SECOND)
            .map(|at| (trouble.at(at).factor(at), trouble.at(at).errors))
            .collect();
        assert_eq!(
            factors,
            [(1.0, 0.0), (5.0, 0.0), (10.0, 0.75), (5.0, 0.5), (1.0, 0.5), (1.0, 0.0)]
        );
    }

    #[test]
    fn work_stands_still_with_the_server() {
        let pauses = Kind::Pauses { pause: 300 * MILLISECOND, every: SECOND };
        let trouble = Trouble::new(&[fault(pauses, SECOND, 3 * SECOND)], 0, 1, 100 * SECOND);
        let ms = |n: u64| n * MILLISECOND;
        assert_eq!(trouble.done(ms(100), ms(100)), ms(200));
        assert_eq!(trouble.done(ms(950), ms(100)), ms(1_350));
        assert_eq!(trouble.done(ms(1_100), ms(100)), ms(1_400));
        assert_eq!(trouble.done(ms(900), ms(1_000)), ms(2_500));
        assert_eq!(trouble.done(ms(5_000), ms(100)), ms(5_100));
    }

    #[test]
    fn a_ramp_goes_up_and_down_and_a_deploy_rolls() {
        let ramp = [fault(Kind::Ramp { times: 5.0 }, 0, 4 * SECOND)];
        let trouble = Trouble::new(&ramp, 0, 1, 100 * SECOND);
        let factor = |at: Nanos| format!("{:.1}", trouble.at(at).factor(at));
        let factors = [0, 1, 2, 3, 4].map(|n| factor(n * SECOND));
        assert_eq!(factors, ["1.0", "3.0", "5.0", "3.0", "1.0"]);

        let deploy = [fault(Kind::Deploy { down: SECOND, times: 3.0 }, 0, 8 * SECOND)];
        let down = |backend| {
            let trouble = Trouble::new(&deploy, backend, 4, 100 * SECOND);
            (0..8).filter(|n| trouble.at(n * SECOND).down).collect::<Vec<_>>()
        };
        assert_eq!([0, 1, 2, 3].map(down), [[0], [2], [4], [6]]);
    }
}
