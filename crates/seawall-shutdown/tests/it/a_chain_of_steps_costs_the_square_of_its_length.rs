//! Each step that ended had the whole plan looked through, several times: a chain of 5,000 steps did not end within 25 s in
//! a debug build.

use std::time::{Duration, Instant};

use seawall_shutdown::{Phase, Shutdown, ShutdownBuilder, Step};

/// A fiftieth of it on a machine that does nothing else; the square took minutes.
const PATIENCE: Duration = Duration::from_secs(20);
const STEPS: usize = 8_000;

fn takes(given: fn(ShutdownBuilder) -> ShutdownBuilder) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let began = Instant::now();
    let builder = Shutdown::builder().phases([Phase::new("all")]).grace_period(10 * PATIENCE);
    let shutdown = given(builder).build().unwrap();
    shutdown.trigger("test");
    assert!(runtime.block_on(shutdown.run()).is_clean());
    began.elapsed()
}

fn step(number: usize) -> Step {
    Step::new(number.to_string(), async || {})
}

fn chain(mut builder: ShutdownBuilder) -> ShutdownBuilder {
    for number in 0..STEPS {
        let step = step(number).reserve(Duration::from_micros(1));
        let step = if number == 0 { step } else { step.after((number - 1).to_string()) };
        builder = builder.step("all", step);
    }
    builder
}

/// Each step is given before the one that it comes after.
fn backwards(mut builder: ShutdownBuilder) -> ShutdownBuilder {
    for number in (0..STEPS).rev() {
        let step = step(number);
        let step = if number == 0 { step } else { step.after((number - 1).to_string()) };
        builder = builder.step("all", step);
    }
    builder
}

fn side_by_side(mut builder: ShutdownBuilder) -> ShutdownBuilder {
    for number in 0..STEPS {
        builder = builder.step("all", step(number));
    }
    builder
}

#[test]
fn thousands_of_steps_in_any_order_are_planned_and_run_in_a_moment() {
    for given in [chain, backwards, side_by_side] {
        let took = takes(given);
        assert!(took < PATIENCE, "{took:?}");
    }
}
