//! The runs, and what befalls the calls in each.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use seawall::{Event, PolicyKind};
use seawall_testkit::drop_after;
use tokio::task::{JoinError, JoinHandle, LocalSet, spawn_local};
use tokio::time::{Instant, advance, sleep, timeout};

use crate::dice::Dice;
use crate::laws::{self, Meddling};
use crate::operation::{World, count};
use crate::stack::{Handle, MS, Stack, draw_kinds};

/// Enough to meet each pair of layers in each order a few times.
const CASES: u64 = 3_000;

/// Runs them all.
///
/// # Panics
///
/// If a run broke a law.
pub(crate) fn all() {
    silence_planned_panics();
    let first = variable("SEAWALL_SEED").unwrap_or(1);
    let cases = variable("SEAWALL_CASES").unwrap_or(CASES);
    let mut failed = 0;
    for seed in first..first + cases {
        let (kinds, broken) = run(seed);
        if !broken.is_empty() {
            eprintln!("seed {seed}, {kinds:?}:\n{}\n", broken.join("\n"));
            failed += 1;
        }
        assert!(failed < 10, "ten runs broke a law");
    }
    assert_eq!(failed, 0, "of {cases} runs from seed {first}");
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Panics that belong to the run are no news.
fn silence_planned_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.payload_as_str().is_some_and(|text| text.starts_with("planned")) {
            usual(panic);
        }
    }));
}

/// Which laws were broken.
fn run(seed: u64) -> (Vec<PolicyKind>, Vec<String>) {
    let dice = Dice::new(seed);
    let kinds = draw_kinds(&dice);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let broken = LocalSet::new().block_on(&runtime, scenario(dice, &kinds));
    (kinds, broken)
}

async fn scenario(dice: Dice, kinds: &[PolicyKind]) -> Vec<String> {
    let (may_hang, may_panic) = (dice.percent(50), dice.percent(50));
    let is_heard = dice.percent(80);
    let meddling =
        Meddling { by_operator: dice.percent(15), by_listener: is_heard && dice.percent(15) };
    let world = World::new(dice, may_panic);
    let stack = Rc::new(Stack::new(&world, kinds, is_heard));
    // Something has to cut off what hangs.
    world.may_hang.set(may_hang && stack.seams.iter().any(|seam| seam.limit.get() < 1_000 * MS));
    if is_heard {
        listen(&stack, meddling);
    }
    let calls: Vec<_> = (0..world.dice.up_to(12)).map(|_| call(&stack)).collect();
    let incidents = [
        world.dice.percent(25).then(|| shut_down(&stack)),
        world.dice.percent(20).then(|| jump(&stack)),
        meddling.by_operator.then(|| operate(&stack)),
    ];
    for task in calls {
        match ended(&world, task).await {
            Some(Ok(())) => {}
            Some(Err(panicked)) => {
                let planned = world.may_panic && !stack.is_guarded;
                world.law(planned, || format!("a panic got out: {panicked:?}"));
            }
            None => world.law(false, || "a call hangs".into()),
        }
    }
    for incident in incidents.into_iter().flatten() {
        incident.await.unwrap();
    }
    laws::check(&stack, is_heard, meddling);
    INSIDE.set(true);
    laws::recovers(&stack, meddling).await;
    INSIDE.set(false);
    let broken = world.broken.take();
    drop(stack);
    broken
}

/// How a task ended; `None` if it does not.
async fn ended(world: &World, mut task: JoinHandle<()>) -> Option<Result<(), JoinError>> {
    loop {
        let jumps = world.jumps.get();
        match timeout(Duration::from_mins(10), &mut task).await {
            Ok(ended) => return Some(ended),
            // It is the clock that went on, not the task that waited.
            Err(_) if world.jumps.get() > jumps => {}
            Err(_) => return None,
        }
    }
}

/// Makes a call some time, and may give it up.
fn call(stack: &Rc<Stack>) -> JoinHandle<()> {
    let stack = Rc::clone(stack);
    let dice = &stack.world.dice;
    let (begin, patience) = (dice.millis(500), dice.millis(400));
    let (how, awaits) = (dice.below(100), dice.below(8) as usize);
    spawn_local(async move {
        sleep(begin).await;
        let call = stack.call();
        match how {
            0..15 => drop(drop_after(awaits, call).await),
            15..30 => drop(timeout(patience, call).await),
            _ => drop(call.await),
        }
    })
}

fn shut_down(stack: &Rc<Stack>) -> JoinHandle<()> {
    let stack = Rc::clone(stack);
    let at = stack.world.dice.millis(600);
    spawn_local(async move {
        sleep(at).await;
        if stack.is_gated {
            stack.world.shut_down.set(Some(Instant::now()));
        }
        stack.token.cancel();
    })
}

/// The clock goes on by much, all at once.
fn jump(stack: &Rc<Stack>) -> JoinHandle<()> {
    let stack = Rc::clone(stack);
    let dice = &stack.world.dice;
    let (at, by) = (dice.millis(500), dice.one_of(&[MS, 50 * MS, 1_000 * MS, 100_000_000 * MS]));
    spawn_local(async move {
        sleep(at).await;
        count(&stack.world.jumps);
        advance(by).await;
        count(&stack.world.jumps);
    })
}

/// Somebody works policies by hand.
fn operate(stack: &Rc<Stack>) -> JoinHandle<()> {
    let stack = Rc::clone(stack);
    spawn_local(async move {
        let dice = &stack.world.dice;
        for _ in 0..dice.up_to(6) {
            sleep(dice.millis(150)).await;
            let deed = dice.below(6);
            for handle in &stack.handles {
                match handle {
                    Handle::Breaker(breaker) => match deed {
                        0 => breaker.force_open(),
                        1 => breaker.force_closed(),
                        2 => breaker.shadow(),
                        3 => breaker.reset(),
                        _ => breaker.release(),
                    },
                    Handle::Bulkhead(bulkhead, _) => bulkhead.set_limit(deed + 1).unwrap(),
                    Handle::Rate(limit) => limit.set_rate((deed + 1).into(), 100 * MS).unwrap(),
                    _ => {}
                }
            }
        }
    })
}

/// Adds a listener that panics now and then, and one that calls back.
fn listen(stack: &Stack, meddling: Meddling) {
    if stack.world.dice.percent(20) {
        stack.listeners.add(|event: &Event| {
            assert!(!event.to_string().len().is_multiple_of(3), "planned: in a listener");
        });
    }
    if meddling.by_listener {
        for handle in &stack.handles {
            match handle {
                Handle::Breaker(breaker) => {
                    let breaker = breaker.clone();
                    stack.listeners.add(move |_: &Event| within(|| drop(breaker.try_acquire())));
                }
                Handle::Bulkhead(bulkhead, _) => {
                    let bulkhead = bulkhead.clone();
                    stack.listeners.add(move |_: &Event| within(|| drop(bulkhead.try_acquire())));
                }
                Handle::Adaptive(limit) => {
                    let limit = limit.clone();
                    stack.listeners.add(move |_: &Event| within(|| drop(limit.try_acquire())));
                }
                _ => {}
            }
        }
    }
}

thread_local!(static INSIDE: Cell<bool> = const { Cell::new(false) });

/// Runs `f`, unless it is what caused the event.
fn within(f: impl FnOnce()) {
    if !INSIDE.replace(true) {
        f();
        INSIDE.set(false);
    }
}
