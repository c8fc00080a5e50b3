//! Each step that ended had the whole plan looked through, several times: a chain of 5,000 steps did not end within 25 s in
//! a debug build.

use std::time::{Duration, Instant};

use seawall_shutdown::{Phase, Shutdown, ShutdownBuilder, Step};

/// The fastest of three: how long it takes to build and to run.
fn fastest(steps: usize, given: fn(ShutdownBuilder, usize) -> ShutdownBuilder) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = || {
        let began = Instant::now();
        let builder = Shutdown::builder().phases([Phase::new("all")]);
        let shutdown = given(builder, steps).build().unwrap();
        shutdown.trigger("test");
        assert!(runtime.block_on(shutdown.run()).is_clean());
        began.elapsed()
    };
    (0..3).map(|_| run()).min().unwrap()
}

fn step(number: usize) -> Step {
    Step::new(number.to_string(), async || {})
}

fn chain(mut builder: ShutdownBuilder, steps: usize) -> ShutdownBuilder {
    for number in 0..steps {
        let step = step(number).reserve(Duration::from_micros(1));
        let step = if number == 0 { step } else { step.after((number - 1).to_string()) };
        builder = builder.step("all", step);
    }
    builder
}

/// Each step is given before the one that it comes after.
fn backwards(mut builder: ShutdownBuilder, steps: usize) -> ShutdownBuilder {
    for number in (0..steps).rev() {
        let step = step(number);
        let step = if number == 0 { step } else { step.after((number - 1).to_string()) };
        builder = builder.step("all", step);
    }
    builder
}

fn side_by_side(mut builder: ShutdownBuilder, steps: usize) -> ShutdownBuilder {
    for number in 0..steps {
        builder = builder.step("all", step(number));
    }
    builder
}

#[test]
fn eight_times_the_steps_take_about_eight_times_as_long() {
    for given in [chain, backwards, side_by_side] {
        let (some, many) = (fastest(1_000, given), fastest(8_000, given));
        // The square would be 64.
        assert!(many < 32 * some, "{some:?}, {many:?}");
    }
}
