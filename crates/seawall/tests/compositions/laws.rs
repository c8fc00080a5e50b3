//! What must hold when everything is over.

use std::time::Duration;

use seawall::{CircuitState, Class, Event, EventKind, PolicyKind};
use tokio::time::Instant;

use crate::seam::{Seam, name};
use crate::stack::{Bought, Handle, MS, Stack};

/// Whether somebody else than the calls had a hand in it: an operator, or a listener that calls.
#[derive(Clone, Copy, Default)]
pub(crate) struct Meddling {
    pub(crate) by_operator: bool,
    pub(crate) by_listener: bool,
}

pub(crate) fn check(stack: &Stack, is_heard: bool, meddling: Meddling) {
    let world = &stack.world;
    let law = |holds, claim: String| world.law(holds, || claim);
    law(world.alive.get() == 0, format!("{} attempts are still alive", world.alive.get()));
    let ended = [&world.succeeded, &world.failed, &world.panicked, &world.dropped];
    let ended: u64 = ended.iter().map(|count| count.get()).sum();
    law(world.started.get() == ended, format!("{} started, {ended} ended", world.started.get()));
    for seam in &stack.seams {
        law(seam.is_balanced(), format!("layer {} does not balance", seam.depth));
    }
    at_rest(stack, meddling);
    if is_heard {
        let events = stack.recorder.events();
        for (depth, handle, outer, inner) in stack.layers() {
            let own: Vec<_> =
                events.iter().filter(|event| event.policy.as_str() == name(depth)).collect();
            told(stack, depth, handle, (outer, inner), &own, meddling);
        }
    }
}

/// Nothing is held any more.
fn at_rest(stack: &Stack, meddling: Meddling) {
    for (depth, handle, outer, inner) in stack.layers() {
        let law = |holds, claim: String| stack.world.law(holds, || format!("{depth}: {claim}"));
        match handle {
            Handle::Breaker(breaker) => {
                let snapshot = breaker.snapshot();
                law(snapshot.in_flight == Some(0), format!("in flight: {snapshot:?}"));
                law(snapshot.probes_in_flight == 0, format!("probes: {snapshot:?}"));
                let admitted = snapshot.totals.admitted.unwrap();
                let calls = inner.started.get();
                law(
                    meddling.by_listener || admitted == calls,
                    format!("{admitted} admitted, {calls} started: {snapshot:?}"),
                );
            }
            Handle::Bulkhead(bulkhead, _) => {
                let snapshot = bulkhead.snapshot();
                law((snapshot.in_flight, snapshot.queued) == (0, 0), format!("{snapshot:?}"));
            }
            Handle::Adaptive(limit) => {
                let snapshot = limit.snapshot();
                let lingering = u32::try_from(snapshot.lingering).unwrap();
                law(snapshot.in_flight == lingering, format!("{snapshot:?}"));
            }
            Handle::Rate(limit) => {
                let snapshot = limit.snapshot();
                law(snapshot.queued == 0, format!("{snapshot:?}"));
            }
            Handle::Throttle(throttle) => {
                let snapshot = throttle.snapshot();
                law(snapshot.accepts <= snapshot.requests, format!("{snapshot:?}"));
            }
            Handle::Retry { budget: Some(bought), .. } | Handle::Hedge { budget: Some(bought) } => {
                paid(stack, depth, bought, outer, inner);
            }
            Handle::Gate(in_flight) => {
                law(in_flight.count() == 0, format!("{} in flight", in_flight.count()));
            }
            Handle::Fallback(in_flight) => {
                law(in_flight() == 0, format!("{} in flight", in_flight()));
            }
            _ => {}
        }
    }
}

/// Tokens are what was there, what calls paid in, less what repetitions cost.
fn paid(stack: &Stack, depth: usize, bought: &Bought, outer: &Seam, inner: &Seam) {
    let snapshot = bought.budget.snapshot();
    let law = |holds, claim: &str| {
        stack.world.law(holds, || format!("{depth}: {claim}: {snapshot:?}"));
    };
    let idle = [snapshot.calls_in_flight, snapshot.repetitions_in_flight];
    law(idle.iter().all(|count| count.unwrap_or(0) == 0), "still in flight");
    // Where a rejection was waited for nothing was paid.
    let repeated = inner.started.get().saturating_sub(outer.started.get());
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let (calls, repeated) = (outer.started.get() as f64, repeated as f64);
    let paid_in = bought.reserve + calls * bought.deposit;
    let tokens = snapshot.tokens.unwrap();
    law(tokens >= paid_in - repeated - 1e-6, "tokens are lost");
    law(tokens <= paid_in + 1e-6, "tokens from nowhere");
}

/// The events say what happened, once.
fn told(
    stack: &Stack,
    depth: usize,
    handle: &Handle,
    (outer, inner): (&Seam, &Seam),
    events: &[&Event],
    meddling: Meddling,
) {
    let law = |holds, claim: String| stack.world.law(holds, || format!("{depth}: {claim}"));
    let count = |is: &dyn Fn(&EventKind) -> bool| {
        u64::try_from(events.iter().filter(|event| is(&event.kind)).count()).unwrap()
    };
    let policy_kind = stack.kinds.borrow()[depth];
    law(
        events.iter().all(|event| {
            event.policy_kind == policy_kind || event.policy_kind == PolicyKind::Budget
        }),
        format!("{events:?} of a {policy_kind}"),
    );
    let timed_out = count(&|kind| matches!(kind, EventKind::TimedOut(_)));
    law(
        timed_out == outer.timed_out.get(),
        format!("{timed_out} events, {} timed out", outer.timed_out.get()),
    );
    let gave_up = count(&|kind| matches!(kind, EventKind::GaveUp { .. }));
    law(
        gave_up == outer.gave_up.get(),
        format!("{gave_up} events, {} gave up", outer.gave_up.get()),
    );
    if !meddling.by_listener && policy_kind != PolicyKind::Fallback {
        let rejected = count(&|kind| matches!(kind, EventKind::Rejected(_)));
        let came_out = outer.rejected.get();
        // A hedge that is refused when it is launched may have lost before it is polled.
        let may_lose = stack.kinds.borrow().contains(&PolicyKind::Hedge);
        law(
            rejected == came_out || may_lose && rejected > came_out,
            format!("{rejected} events, {came_out} rejected"),
        );
    }
    match handle {
        Handle::Breaker(breaker) => transitions(stack, depth, breaker, events),
        Handle::Retry { longest_delay, .. } => {
            let retrying = count(&|kind| matches!(kind, EventKind::Retrying { .. }));
            let repeated = inner.started.get() - outer.started.get();
            law(
                (repeated..=repeated + outer.started.get()).contains(&retrying),
                format!("{retrying} told, {repeated} repeated"),
            );
            for event in events {
                if let EventKind::Retrying { delay, class, .. } = event.kind {
                    let most = *longest_delay;
                    let rejected = class == Class::Ignored;
                    law(
                        rejected || delay <= most,
                        format!("a delay of {delay:?}, at most {most:?}"),
                    );
                }
            }
        }
        Handle::Hedge { .. } => {
            let hedged = count(&|kind| matches!(kind, EventKind::Hedged { .. }));
            let launched = inner.started.get() - outer.started.get();
            law(hedged == launched, format!("{hedged} told, {launched} launched"));
        }
        _ => {}
    }
}

fn transitions(stack: &Stack, depth: usize, breaker: &seawall::Breaker, events: &[&Event]) {
    let law = |holds, claim: String| stack.world.law(holds, || format!("{depth}: {claim}"));
    let snapshot = breaker.snapshot();
    let mut state = CircuitState::Closed;
    let mut openings = 0;
    for event in events {
        if let EventKind::Shadowed(transition) = &event.kind {
            openings += u64::from(transition.to == CircuitState::Open);
        }
        if let EventKind::Transition(transition) = &event.kind {
            law(transition.from == state, format!("from {state} to {transition:?}"));
            state = transition.to;
            openings += u64::from(state == CircuitState::Open);
        }
    }
    law(state == snapshot.state, format!("told {state}, is {}", snapshot.state));
    let counted = snapshot.totals.openings;
    law(openings == counted, format!("{openings} openings told, {counted} counted"));
}

/// Once everything has had its time, everything is as at the beginning.
pub(crate) async fn recovers(stack: &Stack, meddling: Meddling) {
    tokio::time::sleep(Duration::from_hours(100)).await;
    for (depth, handle, _, _) in stack.layers() {
        let law = |holds, claim: String| stack.world.law(holds, || format!("{depth}: {claim}"));
        match handle {
            Handle::Breaker(breaker) => {
                if meddling.by_operator {
                    breaker.release();
                }
                let began = Instant::now();
                while breaker.state() != CircuitState::Closed && began.elapsed() < 60_000 * MS {
                    if let Ok(permit) = breaker.try_acquire() {
                        permit.success();
                    }
                    tokio::time::sleep(MS).await;
                }
                let snapshot = breaker.snapshot();
                law(snapshot.state == CircuitState::Closed, format!("wedged: {snapshot:?}"));
            }
            Handle::Bulkhead(bulkhead, limit) => {
                if meddling.by_operator {
                    bulkhead.set_limit(*limit).unwrap();
                }
                let taken: Vec<_> =
                    (0..*limit).map_while(|_| bulkhead.try_acquire().ok()).collect();
                law(taken.len() == *limit as usize, format!("{} of {limit} free", taken.len()));
                law(bulkhead.try_acquire().is_err(), "more than there are".into());
            }
            Handle::Adaptive(limit) => {
                for _ in 0..2 {
                    match limit.try_acquire() {
                        Ok(permit) => permit.ignore(),
                        Err(rejection) => law(false, format!("{rejection}")),
                    }
                }
                let snapshot = limit.snapshot();
                law(snapshot.in_flight == 0, format!("{snapshot:?}"));
            }
            Handle::Rate(limit) => {
                let snapshot = limit.snapshot();
                let taken = (0..snapshot.burst).take_while(|_| limit.try_acquire().is_ok()).count();
                law(taken as u64 == snapshot.burst, format!("{taken} granted: {snapshot:?}"));
                law(limit.try_acquire().is_err(), "more than the burst".into());
            }
            _ => {}
        }
    }
}
