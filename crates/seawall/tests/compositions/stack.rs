//! Layers in any order that composes, with settings that chance draws.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use seawall::Fallback as FallbackPolicy;
use seawall::Random;
use seawall::breaker::{Abandoned, Ramp};
use seawall::limit::rate::Algorithm;
use seawall::policy::LayerContext;
use seawall::shutdown::{InFlight, ShutdownGate};
use seawall::{
    AdaptiveLimit, Backoff, Breaker, Budget, Bulkhead, Hedge, Jitter, Layer, Lazy, Listeners,
    PanicGuard, PolicyKind, RateLimit, Retry, Scope, Throttle, Timeout,
};
use seawall_testkit::Recorder;
use tokio_util::sync::CancellationToken;

use crate::bare;
use crate::dice::Dice;
use crate::erased::{Any, AnyPolicy, Repeats, Starts};
use crate::operation::{Fault, World};
use crate::seam::{Seam, name};

pub(crate) const MS: Duration = Duration::from_millis(1);

/// What answers in the place of an operation.
pub(crate) const SUBSTITUTE: u32 = 2;

/// What is left of a layer that can be looked at from outside.
pub(crate) enum Handle {
    Breaker(Breaker),
    Bulkhead(Bulkhead, u32),
    Adaptive(AdaptiveLimit),
    Rate(RateLimit),
    Throttle(Throttle),
    Retry { budget: Option<Bought>, longest_delay: Duration },
    Hedge { budget: Option<Bought> },
    Gate(InFlight),
    Fallback(Box<dyn Fn() -> usize>),
    Other,
}

/// A budget, and what it began with.
pub(crate) struct Bought {
    pub(crate) budget: Budget,
    pub(crate) reserve: f64,
    pub(crate) deposit: f64,
}

pub(crate) struct Stack {
    pub(crate) world: Rc<World>,
    layers: Vec<Box<dyn AnyPolicy>>,
    pub(crate) handles: Vec<Handle>,
    /// One for each layer's outer edge, and one around the operation.
    pub(crate) seams: Vec<Rc<Seam>>,
    pub(crate) kinds: Rc<RefCell<Vec<PolicyKind>>>,
    pub(crate) listeners: Listeners,
    pub(crate) recorder: Recorder,
    pub(crate) token: CancellationToken,
    pub(crate) is_gated: bool,
    pub(crate) is_guarded: bool,
}

const KINDS: [PolicyKind; 15] = [
    PolicyKind::Timeout,
    PolicyKind::Timeout,
    PolicyKind::Retry,
    PolicyKind::Retry,
    PolicyKind::Hedge,
    PolicyKind::Breaker,
    PolicyKind::Breaker,
    PolicyKind::Bulkhead,
    PolicyKind::Bulkhead,
    PolicyKind::AdaptiveLimit,
    PolicyKind::RateLimit,
    PolicyKind::Throttle,
    PolicyKind::PanicGuard,
    PolicyKind::Fallback,
    PolicyKind::Shutdown,
];

const REPEAT: [PolicyKind; 2] = [PolicyKind::Retry, PolicyKind::Hedge];

/// Which layers, the outermost first: at most one repeats.
pub(crate) fn draw_kinds(dice: &Dice) -> Vec<PolicyKind> {
    let mut kinds: Vec<PolicyKind> = Vec::new();
    for _ in 0..dice.below(9) {
        let kind = dice.one_of(&KINDS);
        let again = REPEAT.contains(&kind) && kinds.iter().any(|kind| REPEAT.contains(kind));
        if !again {
            kinds.push(kind);
        }
    }
    kinds
}

struct Built {
    layer: Box<dyn AnyPolicy>,
    handle: Handle,
    /// The longest that a call of it may take.
    limit: Duration,
}

impl Built {
    fn new(layer: impl AnyPolicy + 'static, handle: Handle) -> Self {
        Self { layer: Box::new(layer), handle, limit: Duration::MAX }
    }
}

impl Stack {
    pub(crate) fn new(world: &Rc<World>, kinds: &[PolicyKind], is_heard: bool) -> Self {
        let listeners = Listeners::default();
        let recorder = Recorder::default();
        if is_heard {
            listeners.add(recorder.clone());
        }
        let token = CancellationToken::new();
        let shared = Rc::new(RefCell::new(kinds.to_vec()));
        let mut stack = Self {
            world: Rc::clone(world),
            layers: Vec::new(),
            handles: Vec::new(),
            seams: Vec::new(),
            kinds: Rc::clone(&shared),
            listeners: listeners.clone(),
            recorder,
            token: token.clone(),
            is_gated: kinds.contains(&PolicyKind::Shutdown),
            is_guarded: kinds.contains(&PolicyKind::PanicGuard),
        };
        for (depth, kind) in kinds.iter().enumerate() {
            let mut context = LayerContext::new(name(depth));
            context.listeners = listeners.clone();
            context.shutdown = Some(token.clone());
            let built = build(&world.dice, *kind, &context);
            stack.layers.push(built.layer);
            stack.handles.push(built.handle);
            stack.seams.push(Seam::new(world, depth, &shared, built.limit));
        }
        stack.seams.push(Seam::new(world, kinds.len(), &shared, Duration::MAX));
        stack
    }

    /// A call through all layers.
    pub(crate) fn call(&self) -> Lazy<Any<'_>> {
        let bare = Any::Operation(bare::operation(&self.world));
        let (innermost, seams) = self.seams.split_last().unwrap();
        let layers = self.layers.iter().zip(seams).rev();
        let whole = layers
            .fold(innermost.around(bare), |inner, (layer, seam)| seam.around(layer.around(inner)));
        Lazy::new(whole)
    }

    pub(crate) fn layers(&self) -> impl Iterator<Item = (usize, &Handle, &Seam, &Seam)> {
        let edges = self.seams.windows(2);
        let layers = self.handles.iter().zip(edges).enumerate();
        layers.map(|(depth, (handle, edges))| (depth, handle, &*edges[0], &*edges[1]))
    }
}

fn build(dice: &Dice, kind: PolicyKind, context: &LayerContext) -> Built {
    match kind {
        PolicyKind::Timeout => timeout(dice, context),
        PolicyKind::Retry => retry(dice, context),
        PolicyKind::Hedge => hedge(dice, context),
        PolicyKind::Breaker => breaker(dice, context),
        PolicyKind::Bulkhead => bulkhead(dice, context),
        PolicyKind::AdaptiveLimit => {
            let (min, more) = (dice.up_to(2), dice.below(5));
            let mut limit = AdaptiveLimit::builder().min(min).initial(min + more).max(min + more);
            if dice.percent(10) {
                limit = limit.shadow();
            }
            let limit = limit.into_policy(context).unwrap();
            Built::new(Starts(limit.clone()), Handle::Adaptive(limit))
        }
        PolicyKind::RateLimit => rate_limit(dice, context),
        PolicyKind::Throttle => {
            let throttle = Throttle::builder().min_requests(dice.up_to(5)).random(random(dice));
            let throttle = throttle.into_policy(context).unwrap();
            Built::new(Starts(throttle.clone()), Handle::Throttle(throttle))
        }
        PolicyKind::PanicGuard => {
            let guard = PanicGuard::builder().without_hook().into_policy(context).unwrap();
            Built::new(Starts(guard), Handle::Other)
        }
        PolicyKind::Fallback => fallback(dice, context),
        PolicyKind::Shutdown => {
            let in_flight = InFlight::new();
            let gate = ShutdownGate::builder()
                .in_flight(&in_flight)
                .shutdown(context.shutdown.clone().unwrap());
            Built::new(Starts(gate.into_policy(context).unwrap()), Handle::Gate(in_flight))
        }
        other => unreachable!("{other} is not drawn"),
    }
}

fn random(dice: &Dice) -> Random {
    Random::seeded(dice.below(1_000_000).into())
}

fn timeout(dice: &Dice, context: &LayerContext) -> Built {
    let limit = match dice.below(20) {
        0 => Duration::ZERO,
        1 => Duration::from_nanos(1),
        2 => Duration::MAX,
        _ => dice.millis(600),
    };
    let scope = dice.one_of(&[Scope::Total, Scope::Attempt]);
    if dice.percent(20) {
        let by = move |_: &seawall::Attempt| limit;
        let timeout = Timeout::builder().scope(scope).limit_by(by).into_policy(context).unwrap();
        return Built { limit, ..Built::new(Starts(timeout), Handle::Other) };
    }
    let timeout = Timeout::builder().scope(scope).limit(limit).into_policy(context).unwrap();
    Built { limit, ..Built::new(Starts(timeout), Handle::Other) }
}

fn backoff(dice: &Dice) -> Backoff {
    let jitter = dice.one_of(&[Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated]);
    let first = dice.millis(24);
    match dice.below(4) {
        0 => Backoff::none(),
        1 => Backoff::constant(first).max(100 * MS).jitter(jitter),
        2 => Backoff::list([first, Duration::ZERO, dice.millis(100)]),
        _ => Backoff::exponential(first + MS).max(100 * MS).jitter(jitter),
    }
}

fn bought(dice: &Dice) -> Option<Bought> {
    if dice.percent(30) {
        return None;
    }
    let (reserve, deposit) = (f64::from(dice.below(4)), f64::from(dice.below(3)) / 2.0);
    let mut budget = Budget::builder()
        .refill_per_second(0.0)
        .reserve(reserve)
        .deposit(deposit)
        .capacity(1_000.0);
    if dice.percent(50) {
        budget = budget.in_flight(0.5, dice.below(3));
    }
    Some(Bought { budget: budget.build().unwrap(), reserve, deposit })
}

fn retry(dice: &Dice, context: &LayerContext) -> Built {
    let asked = dice.millis(200) + MS;
    let mut retry = Retry::builder()
        .max_attempts(dice.up_to(5))
        .backoff(backoff(dice))
        .random(random(dice))
        .max_retry_after(asked)
        .history(dice.below(3) as usize);
    if dice.percent(80) {
        retry = retry.idempotent();
    }
    if dice.percent(20) {
        retry = retry.deadline(dice.millis(500) + MS);
    }
    if dice.percent(15) {
        retry = retry.wait_for_rejections();
    }
    let budget = bought(dice);
    retry = match &budget {
        Some(bought) => retry.budget(&bought.budget),
        None => retry.without_budget(),
    };
    let retry = retry.into_policy(context).unwrap();
    let longest_delay = asked + 100 * MS;
    Built::new(Repeats(retry), Handle::Retry { budget, longest_delay })
}

fn hedge(dice: &Dice, context: &LayerContext) -> Built {
    let mut hedge = Hedge::builder().max_attempts(dice.up_to(4)).max_in_flight(dice.up_to(4));
    let delay = dice.millis(60);
    hedge = match dice.below(4) {
        0 => hedge.delay_percentile(0.5).min_samples(2),
        1 => hedge.delay_by(|_| panic!("planned: in the delay")),
        _ => hedge.delay(delay),
    };
    let budget = bought(dice);
    hedge = match &budget {
        Some(bought) => hedge.budget(&bought.budget),
        None => hedge.without_budget(),
    };
    let hedge = hedge.into_policy(context).unwrap();
    Built::new(Repeats(hedge), Handle::Hedge { budget })
}

fn breaker(dice: &Dice, context: &LayerContext) -> Built {
    let probes = dice.up_to(3);
    let mut breaker = Breaker::builder()
        .tally()
        .random(random(dice))
        .open_wait(Backoff::constant(dice.millis(100) + MS))
        .probes(probes)
        .probe_successes(dice.up_to(probes))
        .abandoned_as(dice.one_of(&[Abandoned::Ignored, Abandoned::Failure]));
    if dice.percent(70) {
        breaker = breaker.consecutive_failures(dice.up_to(4));
    }
    breaker = match dice.below(3) {
        0 => breaker.count_window(dice.up_to(10)).failure_rate(0.5),
        1 => breaker.time_window(dice.millis(1_000) + MS).min_calls(2).failure_rate(0.3),
        _ => breaker,
    };
    if dice.percent(20) {
        breaker = breaker.slow_call_rate(0.5, dice.millis(100) + MS);
    }
    if dice.percent(30) {
        breaker = breaker.lease(dice.millis(200) + MS);
    }
    if dice.percent(30) {
        breaker = breaker.wait_for_verdict(dice.up_to(3), dice.millis(300) + MS);
    }
    if dice.percent(30) {
        breaker = breaker.ramp(Ramp::new([0.1, 0.5], dice.millis(100) + MS));
    }
    let breaker = breaker.into_policy(context).unwrap();
    Built::new(Starts(breaker.clone()), Handle::Breaker(breaker))
}

fn bulkhead(dice: &Dice, context: &LayerContext) -> Built {
    let limit = dice.up_to(4);
    let mut bulkhead = Bulkhead::builder().limit(limit);
    if dice.percent(60) {
        let longest = if dice.percent(20) { Duration::MAX } else { dice.millis(200) + MS };
        bulkhead = bulkhead.queue(dice.up_to(4), longest);
        bulkhead = match dice.below(3) {
            0 => bulkhead.lifo(),
            1 => bulkhead.by_priority(),
            _ => bulkhead,
        };
        if dice.percent(20) {
            bulkhead = bulkhead.codel(5 * MS, 20 * MS);
        }
    }
    let bulkhead = bulkhead.into_policy(context).unwrap();
    Built::new(Starts(bulkhead.clone()), Handle::Bulkhead(bulkhead, limit))
}

fn rate_limit(dice: &Dice, context: &LayerContext) -> Built {
    let algorithms =
        [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingLog, Algorithm::SlidingCounter];
    let algorithm = dice.one_of(&algorithms);
    let permits = dice.up_to(20).into();
    let mut limit = RateLimit::builder().rate(permits, dice.millis(500) + MS).algorithm(algorithm);
    if algorithm == Algorithm::Gcra {
        limit = limit.burst(dice.up_to(5).into());
    }
    if dice.percent(60) {
        limit = limit.queue(dice.up_to(4), dice.millis(300) + MS);
    }
    let limit = limit.into_policy(context).unwrap();
    Built::new(Starts(limit.clone()), Handle::Rate(limit))
}

fn fallback(dice: &Dice, context: &LayerContext) -> Built {
    let pause = dice.millis(50);
    if dice.percent(30) {
        let later = FallbackPolicy::with_async(move |_: &seawall::Error<Fault>| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, ()>(SUBSTITUTE)
        });
        let later = later.max_concurrent(2).into_policy(context).unwrap();
        let watched = later.clone();
        return Built::new(Starts(later), Handle::Fallback(Box::new(move || watched.in_flight())));
    }
    let now = FallbackPolicy::value(SUBSTITUTE).into_policy(context).unwrap();
    let watched = now.clone();
    Built::new(Starts(now), Handle::Fallback(Box::new(move || watched.in_flight())))
}
