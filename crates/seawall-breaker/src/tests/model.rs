//! The machine and the naive reference live through the same, and say the same.

use std::num::NonZeroU32;
use std::sync::Arc;

use proptest::prelude::*;
use seawall_core::{Backoff, EventKind, Random};

use super::reference::{Decision, Made, Reference};
use crate::Abandoned;
use crate::machine::{
    Admission, LeaseTerm, Machine, OUT_OF_REACH, OpenWait, Outcome, Probing, RareRules, Recording,
    Rules, Settings, Settled, SlowRule, Ticket, Trigger, Waits, WindowSize,
};
use crate::time::{NEVER, Nanos};

#[derive(Clone, Debug)]
enum Step {
    Admit,
    Settle {
        which: usize,
        failed: bool,
        slow: bool,
        hint: Option<Nanos>,
    },
    GiveBack {
        which: usize,
    },
    Forward(Nanos),
    Back(Nanos),
    Operate(Trigger),
    /// A batch of successes that were counted without the machine.
    Batch(u64),
    /// Batches with a failure after each.
    Batches(Vec<u64>),
}

const WAITS: Waits = Waits { first: 100, next: 250 };

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => Just(Step::Admit),
        10 => (0..64_usize, prop::bool::weighted(0.6), any::<bool>(), prop::option::of(0..600_u64))
            .prop_map(|(which, failed, slow, hint)| Step::Settle { which, failed, slow, hint }),
        2 => (0..64_usize).prop_map(|which| Step::GiveBack { which }),
        4 => (0..120_u64).prop_map(Step::Forward),
        1 => (0..1_u64 << 50).prop_map(Step::Forward),
        1 => (0..200_u64).prop_map(Step::Back),
        1 => (0..160_u64).prop_map(Step::Batch),
        2 => prop::collection::vec(0..40_u64, 1..6).prop_map(Step::Batches),
        1 => prop_oneof![
            Just(Trigger::ForceOpen),
            Just(Trigger::ForceClosed),
            Just(Trigger::Shadow),
            Just(Trigger::Release),
            Just(Trigger::Release),
            Just(Trigger::Reset),
        ]
        .prop_map(Step::Operate),
    ];
    prop::collection::vec(step, 0..100)
}

fn settings() -> impl Strategy<Value = Settings> {
    let window = prop_oneof![
        Just(WindowSize::Absent),
        (1..150_u32).prop_map(|outcomes| WindowSize::Count { outcomes }),
        (10..2_000_u64, 10..30_u32)
            .prop_map(|(span, slices)| WindowSize::Time { span: span.max(slices.into()), slices }),
        Just(WindowSize::Time { span: NEVER, slices: 10 }),
    ];
    let rate = prop_oneof![Just(0.5), Just(1.0), 0.01..1.0];
    let rules = (
        window,
        1..20_u32,
        prop::option::of(1..8_u32),
        prop_oneof![rate.clone(), Just(OUT_OF_REACH)],
        prop::option::of(rate.prop_map(|rate| SlowRule { rate, after: 1 })),
    );
    let term = prop_oneof![
        (1..300_u64).prop_map(LeaseTerm::Fixed),
        (1..200_u64, 100..1_000_u64)
            .prop_map(|(shortest, longest)| LeaseTerm::Doubling { shortest, longest }),
    ];
    let probing = (1..6_u32, 1..6_u32, term);
    (rules, probing, 0..400_u64, 0..500_u64).prop_map(|(rules, probing, forget_after, hint)| {
        let (window, min_calls, consecutive, failure_rate, slow) = rules;
        let (probes, needed, term) = probing;
        Settings {
            rules: Rules {
                window,
                min_calls,
                consecutive: consecutive.and_then(NonZeroU32::new),
                failure_rate,
                rare: slow.map(|rule| RareRules { slow: Some(rule), predicate: None }.into()),
            },
            wait: Arc::new(OpenWait {
                backoff: Backoff::none(),
                random: Random::lowest(),
                forget_after,
                max_retry_after: hint,
            }),
            probing: Probing { probes, needed: needed.min(probes), term },
            ramp: None,
            waiting: None,
            abandoned: Abandoned::Ignored,
            tally: false,
        }
    })
}

struct Pair {
    machine: Machine,
    reference: Reference,
    /// The calls under way: what the machine gave them, and their number.
    calls: Vec<(Ticket, usize)>,
    made: usize,
    now: Nanos,
    effects: Vec<EventKind>,
}

impl Pair {
    fn new(settings: Settings) -> Self {
        Self {
            machine: Machine::new(Arc::new(settings.clone()), WAITS, 0),
            reference: Reference::new(settings, WAITS),
            calls: Vec::new(),
            made: 0,
            now: 0,
            effects: Vec::new(),
        }
    }

    fn take(&mut self, which: usize) -> Option<(Ticket, usize)> {
        let len = self.calls.len();
        (len > 0).then(|| self.calls.swap_remove(which % len))
    }

    fn step(&mut self, step: &Step) {
        match step.clone() {
            Step::Forward(by) => self.now = self.now.saturating_add(by).min(1 << 62),
            Step::Back(by) => self.now = self.now.saturating_sub(by),
            Step::Admit => self.admit(),
            Step::Settle { which, failed, slow, hint } => {
                let slow = slow && self.machine.settings().rules.slow().is_some();
                self.settle(which, Outcome { failed, slow, hint, took: None });
            }
            Step::GiveBack { which } => {
                if let Some((ticket, call)) = self.take(which) {
                    if ticket.probe == Ticket::UNMEASURED {
                        return;
                    }
                    let machine = self.machine.give_back(ticket, self.now, &mut self.effects);
                    let reference = self.reference.give_back(call, ticket.generation, self.now);
                    assert_eq!(machine, reference, "slot given back");
                }
            }
            Step::Operate(trigger) => {
                self.machine.operate(trigger, self.now, &mut self.effects);
                self.reference.operate(trigger, self.now);
            }
            Step::Batch(count) => self.batch(count),
            Step::Batches(successes) => {
                for count in successes {
                    self.batch(count);
                    self.admit();
                    let last = self.calls.len().wrapping_sub(1);
                    self.settle(
                        last,
                        Outcome { failed: true, slow: false, hint: None, took: None },
                    );
                }
            }
        }
    }

    fn admit(&mut self) {
        let call = self.made;
        self.made += 1;
        let machine = self.machine.admit(self.now, &mut self.effects);
        let reference = self.reference.admit(call, self.now);
        let (decision, ticket) = match machine {
            Admission::Admitted(ticket) => (Decision::Admitted, Some(ticket)),
            Admission::Refused(_) => (Decision::Refused, None),
            Admission::Shadowed(ticket, _) => (Decision::Shadowed, Some(ticket)),
        };
        assert_eq!(decision, reference);
        self.calls.extend(ticket.map(|ticket| (ticket, call)));
    }

    fn settle(&mut self, which: usize, outcome: Outcome) {
        let Some((ticket, call)) = self.take(which) else {
            return;
        };
        let machine = match self.machine.settle(ticket, outcome, self.now, &mut self.effects) {
            Settled::Counted => Made::Counted,
            Settled::Stale => Made::Stale,
            Settled::Unmeasured => Made::Unmeasured,
        };
        let reference = if ticket.probe == Ticket::UNMEASURED {
            Made::Unmeasured
        } else {
            self.reference.settle(call, ticket, outcome, self.now)
        };
        assert_eq!(machine, reference);
    }

    /// Successes may be counted without the machine only while it says so. Then a batch has the same
    /// effect as the same successes one by one.
    fn batch(&mut self, count: u64) {
        match self.machine.recording() {
            Recording::UnderLock => return,
            _ if self.now >= self.machine.slides_at() => return,
            Recording::Batched => self.machine.add_successes(count),
            Recording::Skip => {}
        }
        let fine = Outcome { failed: false, slow: false, hint: None, took: None };
        for _ in 0..count {
            self.reference.measure(fine, self.now);
        }
    }

    fn compare(&mut self) {
        let (machine, reference) = (&mut self.machine, &mut self.reference);
        assert_eq!(machine.state(), reference.visible());
        assert_eq!(machine.generation(), reference.generation);
        assert_eq!(machine.open_until().map(|(until, _)| until), reference.until());
        assert_eq!(machine.probes_in_flight(), reference.in_flight());
        assert!(machine.probes_in_flight() <= machine.settings().probing.probes);
        assert_eq!(machine.totals().stale, reference.stale);
        assert_eq!(machine.totals().expired, reference.expired);
        if machine.admits_all() {
            let counts = machine.counts();
            let seen = (counts.samples as usize, counts.failures as usize, counts.slow as usize);
            let (samples, failures, slow, run) = reference.counts();
            assert_eq!(seen, (samples, failures, slow));
            assert_eq!(counts.consecutive_failures, run);
        }
    }

    /// The transitions are the reference's, in order, and each begins where the one before ended.
    fn compare_transitions(&self) {
        let reported: Vec<_> = self
            .effects
            .iter()
            .filter_map(|what| match what {
                EventKind::Transition(t) | EventKind::Shadowed(t) => Some((t.from, t.to)),
                _ => None,
            })
            .collect();
        assert_eq!(reported, self.reference.transitions);
        let visible: Vec<_> = self
            .effects
            .iter()
            .filter_map(|what| match what {
                EventKind::Transition(transition) => Some((transition.from, transition.to)),
                _ => None,
            })
            .collect();
        assert!(visible.windows(2).all(|pair| pair[0].1 == pair[1].0), "{visible:?}");
        let generations = self.effects.iter().filter_map(|what| match what {
            EventKind::Transition(t) | EventKind::Shadowed(t) => Some(t.generation),
            _ => None,
        });
        assert!(generations.eq(1..=self.machine.generation()));
    }
}

/// 10,000 cases, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(10_000),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_machine_does_what_the_naive_reference_does(settings in settings(), steps in steps()) {
        let mut pair = Pair::new(settings);
        for step in &steps {
            pair.step(step);
            pair.compare();
        }
        pair.compare_transitions();
    }
}
