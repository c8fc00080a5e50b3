//! The machine against what it promises, on random plans in random worlds.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::{Action, Machine, PhasePlan, Reserve, Status, StepPlan};
use crate::Outcome;

const GRACE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
struct StepSpec {
    phase: usize,
    limit: Option<u64>,
    reserve: u64,
    /// How long it takes; `None` if it never ends.
    takes: Option<u64>,
    /// Which of the steps before it, where the phase allows, it comes after.
    after: Vec<usize>,
}

#[derive(Clone, Debug)]
struct World {
    phases: Vec<(Option<u64>, u64)>,
    steps: Vec<StepSpec>,
    force_at: Option<u64>,
}

fn step(phases: usize) -> impl Strategy<Value = StepSpec> {
    (
        0..phases,
        prop::option::of(1..600_u64),
        prop_oneof![2 => Just(0_u64), 1 => 1..60_u64],
        prop::option::weighted(0.8, 0..700_u64),
        prop::collection::vec(0..12_usize, 0..3),
    )
        .prop_map(|(phase, limit, reserve, takes, after)| StepSpec {
            phase,
            limit,
            reserve,
            takes,
            after,
        })
}

fn world() -> impl Strategy<Value = World> {
    prop::collection::vec((prop::option::of(1..600_u64), 0..60_u64), 1..5).prop_flat_map(|phases| {
        let steps = prop::collection::vec(step(phases.len()), 0..12);
        let force_at = prop::option::weighted(0.2, 0..1_200_u64);
        (Just(phases), steps, force_at).prop_map(|(phases, steps, force_at)| World {
            phases,
            steps,
            force_at,
        })
    })
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl World {
    fn machine(&self) -> Machine {
        let phases = self.phases.iter().enumerate().map(|(id, &(limit, reserve))| {
            PhasePlan::new(format!("phase {id}"), limit.map(ms), Reserve::Fixed(ms(reserve)))
        });
        let mut machine = Machine::new(GRACE, phases.collect());
        for (id, spec) in self.steps.iter().enumerate() {
            let mut plan = StepPlan::new(format!("step {id}"), spec.phase);
            plan.limit = spec.limit.map(ms);
            plan.reserve = ms(spec.reserve);
            plan.after = self.after(id);
            machine.add(plan);
        }
        machine
    }

    fn after(&self, id: usize) -> Vec<usize> {
        let spec = &self.steps[id];
        let earlier = |&&other: &&usize| other < id && self.steps[other].phase <= spec.phase;
        spec.after.iter().filter(earlier).copied().collect()
    }
}

/// When each step began and ended.
#[derive(Clone, Debug, Default)]
struct Course {
    began: Vec<Option<Instant>>,
    ended: Vec<Option<Instant>>,
    /// The time that it was given when it began.
    given: Vec<Option<Duration>>,
    entered: Vec<usize>,
    /// The steps whose end was reported.
    reported: Vec<usize>,
}

/// Lives through the shutdown as the driver would: from one event to the next.
fn live(world: &World, machine: &mut Machine) -> (Course, Duration) {
    let start = Instant::now();
    let mut now = start;
    let count = world.steps.len();
    let mut course = Course {
        began: vec![None; count],
        ended: vec![None; count],
        given: vec![None; count],
        entered: Vec::new(),
        reported: Vec::new(),
    };
    machine.begin(now);
    for _ in 0..10_000 {
        let mut actions = Vec::new();
        if world.force_at.is_some_and(|at| now >= start + ms(at)) {
            machine.force(now, &mut actions);
        } else {
            machine.advance(now, &mut actions);
        }
        for action in &actions {
            match *action {
                Action::EnterPhase(phase) => course.entered.push(phase),
                Action::Ended(step) => course.reported.push(step),
                Action::Start(step) => {
                    assert!(course.began[step].is_none(), "started twice");
                    course.began[step] = Some(now);
                    let Status::Running { deadline, .. } = machine.steps[step].status else {
                        panic!("started, but not running");
                    };
                    course.given[step] = Some(deadline - now);
                }
                Action::Cancel(step) => assert!(course.began[step].is_some()),
            }
        }
        for step in 0..count {
            if matches!(machine.steps[step].status, Status::Ended { .. }) {
                course.ended[step].get_or_insert(now);
            }
        }
        if machine.is_over() {
            return (course, now - start);
        }
        now = next_event(world, machine, &course, start, now);
        for (step, spec) in world.steps.iter().enumerate() {
            if let (Some(began), Some(takes)) = (course.began[step], spec.takes)
                && began + ms(takes) <= now
            {
                machine.end_step(step, Outcome::Done, now);
            }
        }
    }
    panic!("not over after 10,000 events");
}

fn next_event(
    world: &World,
    machine: &Machine,
    course: &Course,
    start: Instant,
    now: Instant,
) -> Instant {
    let ends = world.steps.iter().enumerate().filter_map(|(step, spec)| {
        let running = matches!(machine.steps[step].status, Status::Running { .. });
        let ends = course.began[step]? + ms(spec.takes?);
        running.then_some(ends)
    });
    let forced = world.force_at.map(|at| start + ms(at)).filter(|&at| at > now);
    let next = ends.chain(machine.wake_at()).chain(forced).min();
    next.expect("something runs, or it would be over").max(now)
}

fn outcome(machine: &Machine, step: usize) -> (Outcome, Duration) {
    match &machine.steps[step].status {
        Status::Ended { outcome, elapsed } => (outcome.clone(), *elapsed),
        other => panic!("over, but step {step} is {other:?}"),
    }
}

fn check_order(world: &World, course: &Course) {
    let mut reported = course.reported.clone();
    reported.sort_unstable();
    assert!(reported.into_iter().eq(0..world.steps.len()), "each once: {:?}", course.reported);
    for (step, spec) in world.steps.iter().enumerate() {
        let Some(began) = course.began[step] else { continue };
        for before in world.after(step) {
            assert!(course.ended[before].is_some_and(|ended| ended <= began));
        }
        for (other, earlier) in world.steps.iter().enumerate() {
            if earlier.phase < spec.phase {
                assert!(course.ended[other].is_some_and(|ended| ended <= began));
            }
        }
    }
    assert!(course.entered.is_sorted(), "{:?}", course.entered);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn order_deadlines_and_reserves_hold(world in world()) {
        let mut machine = world.machine();
        prop_assume!(machine.share_out(Instant::now()).is_ok());
        let (course, total) = live(&world, &mut machine);
        prop_assert!(total <= GRACE, "{total:?}");
        check_order(&world, &course);
        for (step, spec) in world.steps.iter().enumerate() {
            let (outcome, elapsed) = outcome(&machine, step);
            let limit = spec.limit.map_or(Duration::MAX, ms);
            prop_assert!(elapsed <= limit);
            if world.force_at.is_some() {
                continue;
            }
            let Some(given) = course.given[step] else {
                prop_assert_eq!(&outcome, &Outcome::Skipped);
                prop_assert!(
                    spec.reserve == 0 || world.phases[spec.phase].0.is_some(),
                    "skipped in spite of its reserve: {spec:?}"
                );
                continue;
            };
            // What began had its reserve before it, unless its own limit is shorter, or that of
            // its phase.
            if world.phases[spec.phase].0.is_none() {
                prop_assert!(given >= ms(spec.reserve).min(limit), "{given:?} {spec:?}");
            }
            let in_time = spec.takes.is_some_and(|takes| ms(takes) <= given);
            let expected = if in_time { Outcome::Done } else { Outcome::TimedOut };
            // One that takes exactly what it was given may be seen late.
            if spec.takes.map(ms) != Some(given) {
                prop_assert_eq!(outcome, expected);
            }
        }
    }

    #[test]
    fn forcing_ends_everything_in_that_moment(mut world in world(), at in 0..1_000_u64) {
        world.force_at = Some(at);
        let mut machine = world.machine();
        let (course, total) = live(&world, &mut machine);
        check_order(&world, &course);
        prop_assert!(total <= ms(at));
        for step in 0..world.steps.len() {
            outcome(&machine, step);
        }
    }
}

/// A step that hangs: its phase and its reserve.
type Hangs = (usize, u64);

fn reserve() -> impl Strategy<Value = Reserve> {
    prop_oneof![
        (0..60_u64).prop_map(|millis| Reserve::Fixed(ms(millis))),
        (1..30_u32).prop_map(Reserve::Percent),
    ]
}

fn hanging(phases: usize, reserve: std::ops::Range<u64>) -> impl Strategy<Value = Hangs> {
    (0..phases, prop_oneof![Just(0), reserve])
}

fn hangs((phase, reserve): Hangs, name: String) -> StepPlan {
    let mut plan = StepPlan::new(name, phase);
    plan.reserve = ms(reserve);
    plan
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Everything hangs, and steps are registered at random moments: each that is accepted gets
    /// its reserve.
    #[test]
    fn an_accepted_reserve_is_kept_whenever_it_is_registered(
        (phases, given, late) in prop::collection::vec(reserve(), 1..5).prop_flat_map(|phases| {
            let count = phases.len();
            let late = prop::collection::vec((0..1_000_u64, hanging(count, 0..400)), 0..8);
            (Just(phases), prop::collection::vec(hanging(count, 0..60), 0..6), late)
        })
    ) {
        let plans = phases.iter().enumerate();
        let plans = plans.map(|(id, &reserve)| PhasePlan::new(id.to_string(), None, reserve));
        let mut machine = Machine::new(GRACE, plans.collect());
        for step in given {
            let name = machine.steps.len().to_string();
            machine.add(hangs(step, name));
        }
        prop_assume!(machine.share_out(Instant::now()).is_ok());
        let mut late = late;
        late.sort_unstable();
        let mut late = late.into_iter().peekable();
        let start = Instant::now();
        let mut now = start;
        machine.begin(now);
        while !machine.is_over() {
            let mut actions = Vec::new();
            machine.advance(now, &mut actions);
            for action in actions {
                if let Action::Start(step) = action {
                    let step = &machine.steps[step];
                    let Status::Running { deadline, .. } = step.status else { panic!("{step:?}") };
                    prop_assert!(deadline - now >= step.reserve, "{step:?}");
                }
            }
            let comes = late.peek().map(|(at, _)| (start + ms(*at)).max(now));
            let Some(next) = comes.into_iter().chain(machine.wake_at()).min() else { continue };
            now = next;
            if comes == Some(next)
                && let Some((_, step)) = late.next()
                && !machine.phase_is_over(step.0)
            {
                let name = machine.steps.len().to_string();
                let _ = machine.register(hangs(step, name), now);
            }
        }
        prop_assert!(machine.elapsed(now) <= GRACE);
        for step in &machine.steps {
            let skipped = matches!(step.status, Status::Ended { outcome: Outcome::Skipped, .. });
            prop_assert!(!skipped || step.reserve == Duration::ZERO, "{step:?}");
        }
    }
}

#[test]
fn a_clock_that_goes_backwards_changes_nothing_for_the_worse() {
    let phases = vec![PhasePlan::new("only".into(), None, Reserve::Fixed(Duration::ZERO))];
    let mut machine = Machine::new(GRACE, phases);
    machine.add(StepPlan::new("step".into(), 0));
    let now = Instant::now();
    machine.begin(now);
    let mut actions = Vec::new();
    machine.advance(now, &mut actions);
    assert_eq!(actions, [Action::EnterPhase(0), Action::Start(0)]);
    actions.clear();
    let earlier = now.checked_sub(Duration::from_millis(500)).unwrap_or(now);
    machine.advance(earlier, &mut actions);
    assert_eq!(actions, []);
    machine.end_step(0, Outcome::Done, earlier);
    machine.advance(earlier, &mut actions);
    assert!(machine.is_over());
    assert_eq!(machine.elapsed(now), Duration::ZERO);
    assert_eq!(outcome(&machine, 0), (Outcome::Done, Duration::ZERO));
}
