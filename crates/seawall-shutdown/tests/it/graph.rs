//! Dependencies between steps, reserves, and what `build` refuses.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use seawall_shutdown::{Outcome, Phase, RegisterError, Shutdown, ShutdownBuilder, Step};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);
const ALL: &str = "all";

fn one_phase() -> ShutdownBuilder {
    Shutdown::builder().grace_period(10 * SECOND).phases([Phase::new(ALL)])
}

fn refusal(builder: ShutdownBuilder) -> String {
    builder.build().unwrap_err().to_string()
}

fn noop(name: &str) -> Step {
    Step::new(name, async || {})
}

#[tokio::test(start_paused = true)]
async fn a_step_begins_when_those_it_comes_after_have_ended() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let step = |name: &'static str, takes: Duration| {
        let log = Arc::clone(&log);
        Step::new(name, move || async move {
            sleep(takes).await;
            log.lock().push(name);
        })
    };
    let shutdown = one_phase()
        // Given before what it comes after.
        .step(ALL, step("database", SECOND).after("consumer").after("cache"))
        .step(ALL, step("consumer", 2 * SECOND).after("listener"))
        .step(ALL, step("cache", SECOND))
        .step(ALL, step("listener", SECOND))
        .build()
        .unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(*log.lock(), ["cache", "listener", "consumer", "database"]);
    assert_eq!(report.total, 4 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_reserve_in_a_chain_is_kept_from_what_comes_before() {
    let shutdown = one_phase()
        .step(ALL, Step::new("hang", pending::<()>))
        .step(ALL, Step::new("flush", || sleep(2 * SECOND)).after("hang").reserve(3 * SECOND))
        .step(ALL, Step::new("close", || sleep(SECOND)).after("flush").reserve(SECOND))
        .build()
        .unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    let elapsed = |name| report.step(name).unwrap().elapsed;
    assert_eq!(elapsed("hang"), 6 * SECOND);
    assert_eq!(report.step("hang").unwrap().outcome, Outcome::TimedOut);
    assert_eq!(report.step("flush").unwrap().outcome, Outcome::Done);
    assert_eq!(report.step("close").unwrap().outcome, Outcome::Done);
    assert_eq!(report.total, 9 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_a_phase_and_of_a_step_cut_in() {
    let shutdown = Shutdown::builder()
        .phases([Phase::new("first").limit(3 * SECOND), Phase::new("second")])
        .step("first", Step::new("by phase", pending::<()>))
        .step("first", Step::new("by itself", pending::<()>).limit(SECOND))
        .step("second", noop("next"))
        .build()
        .unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert_eq!(report.step("by itself").unwrap().elapsed, SECOND);
    assert_eq!(report.step("by phase").unwrap().elapsed, 3 * SECOND);
    assert!(report.step("next").unwrap().outcome.is_done());
    assert_eq!(report.total, 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_delay_that_ends_with_its_phase_is_done_and_not_late() {
    let shutdown = Shutdown::builder()
        .drain_delay(SECOND)
        .phases([Phase::new("wait").waits_drain_delay().limit(SECOND)])
        .build()
        .unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert_eq!(report.step("drain delay").unwrap().outcome, Outcome::Done);
    assert_eq!(report.total, SECOND);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn build_refuses_what_cannot_be() {
    let cycle = one_phase()
        .step(ALL, noop("free"))
        .step(ALL, noop("a").after("c"))
        .step(ALL, noop("b").after("a"))
        .step(ALL, noop("c").after("b"));
    assert_eq!(
        refusal(cycle),
        "shutdown: after is a cycle through a, b, c, but must be free of cycles"
    );
    let to_itself = one_phase().step(ALL, noop("a").after("a"));
    assert!(refusal(to_itself).contains("a cycle through a,"));
    let unknown = one_phase().step(ALL, noop("a").after("nobody"));
    assert!(refusal(unknown).contains("'nobody' for step 'a'"));
    let backwards =
        Shutdown::builder().step(Phase::INTAKE, noop("a").after("b")).step(Phase::FLUSH, noop("b"));
    assert!(refusal(backwards).contains("'a' comes after 'b', which is not"));
    let nowhere = one_phase().step("elsewhere", noop("a"));
    assert!(refusal(nowhere).contains("phase 'elsewhere', which does not exist"));
    let twice = one_phase().step(ALL, noop("a")).step(ALL, noop("a"));
    assert!(refusal(twice).contains("the name 'a' is empty or taken"));
    let taken = Shutdown::builder().step(Phase::DRAIN, noop("tasks"));
    assert!(refusal(taken).contains("the name 'tasks' is empty or taken"));
    let nameless = one_phase().step(ALL, noop(""));
    assert!(refusal(nameless).contains("the name '' is empty"));
    let greedy = one_phase().step(ALL, noop("a").reserve(11 * SECOND));
    assert!(refusal(greedy).starts_with("shutdown: reserve is more than the grace period"));
    let no_time = Shutdown::builder().grace_period(Duration::ZERO);
    assert_eq!(refusal(no_time), "shutdown: grace_period is 0ns, but must be above zero");
    assert!(refusal(Shutdown::builder().phases([])).starts_with("shutdown: phases is 0"));
    let same = [Phase::new("x"), Phase::new("x")];
    assert!(refusal(Shutdown::builder().phases(same)).starts_with("shutdown: phases is 'x'"));
    let both = [Phase::new("x").drains(), Phase::new("y").drains()];
    assert!(refusal(Shutdown::builder().phases(both)).contains("two with 'requests'"));
    assert!(refusal(Shutdown::builder().name("")).starts_with("shutdown: name is empty"));
}

#[tokio::test(start_paused = true)]
async fn a_grace_period_without_limit_waits_for_as_long_as_it_takes() {
    let year = 365 * 86_400 * SECOND;
    let shutdown = Shutdown::builder()
        .grace_period(Duration::MAX)
        .step(Phase::DRAIN, Step::new("slow", move || sleep(year)))
        .step(Phase::FLUSH, noop("flush"))
        .build()
        .unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.total, year);
}

#[tokio::test(start_paused = true)]
async fn a_step_registered_while_its_phase_runs_is_run_and_after_it_is_refused() {
    let shutdown = Shutdown::builder()
        .grace_period(10 * SECOND)
        .step(Phase::DRAIN, Step::new("slow", || sleep(SECOND)))
        .build()
        .unwrap();
    let running = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.run().await }
    });
    tokio::task::yield_now().await;
    shutdown.trigger("test");
    sleep(SECOND / 2).await;
    shutdown.register(Phase::DRAIN, noop("late")).unwrap();
    shutdown.register(Phase::CLOSE, noop("for later")).unwrap();
    let too_late = shutdown.register(Phase::INTAKE, noop("too late")).unwrap_err();
    assert!(matches!(too_late, RegisterError::TooLate { .. }));
    assert_eq!(too_late.to_string(), "step 'too late' came too late: phase 'stop intake' is over");
    let greedy = noop("greedy").reserve(10 * SECOND);
    let greedy = shutdown.register(Phase::FLUSH, greedy).unwrap_err();
    assert!(matches!(greedy, RegisterError::ReserveTooLong { .. }));
    let report = running.await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(report.step("late").unwrap().outcome.is_done());
    assert!(report.step("for later").unwrap().outcome.is_done());
    assert!(shutdown.register(Phase::CLOSE, noop("over")).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_blocking_step_holds_a_paused_clock_and_its_panic_and_error_are_contained() {
    let shutdown = Shutdown::builder()
        .step(Phase::FLUSH, Step::blocking("fine", std::thread::yield_now))
        .step(Phase::FLUSH, Step::blocking("bad", || Err::<(), _>("disk full")))
        .step(Phase::FLUSH, Step::blocking("worse", || -> () { panic!("lost it") }))
        .build()
        .unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    let outcome = |name: &str| report.step(name).unwrap().outcome.clone();
    assert_eq!(outcome("fine"), Outcome::Done);
    assert_eq!(outcome("bad"), Outcome::Failed("disk full".into()));
    assert_eq!(outcome("worse"), Outcome::Panicked("lost it".into()));
    assert_eq!(report.exit_code(), 3);
    assert_eq!(report.total, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_wide_and_deep_graph_is_planned_in_no_time() {
    // Three steps a layer, each after all of the layer before: 3^30 chains.
    let mut builder = one_phase();
    for layer in 0..30 {
        for number in 0..3 {
            let mut step = noop(&format!("{layer}.{number}")).reserve(SECOND / 10);
            for before in 0..3 {
                if layer > 0 {
                    step = step.after(format!("{}.{before}", layer - 1));
                }
            }
            builder = builder.step(ALL, step);
        }
    }
    let shutdown = builder.build().unwrap();
    shutdown.trigger("test");
    assert!(shutdown.run().await.is_clean());
}

#[test]
fn there_is_a_bound_on_steps() {
    let shutdown = one_phase().build().unwrap();
    for number in 0..Shutdown::MAX_STEPS {
        shutdown.register(ALL, noop(&number.to_string())).unwrap();
    }
    let refused = shutdown.register(ALL, noop("more")).unwrap_err();
    assert_eq!(refused.to_string(), "step 'more' exceeds the maximum of 10000 steps");
}
