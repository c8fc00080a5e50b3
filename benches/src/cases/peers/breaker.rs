//! Circuit breakers.

use std::future::Future;
use std::task::{Context, Waker};
use std::time::Duration;

use do_over::error::DoOverError;
use do_over::policy::Policy as _;
use failsafe::futures::CircuitBreaker as _;
use layered::{Execute, Service as _, Stack as _};
use rskit_errors::AppError;
use seatbelt::{RecoveryInfo, ResilienceContext};
use tower::{Layer as _, service_fn};

use super::serve;
use crate::operation::{Failure, failing, one_in_ten_fails, ready};
use crate::{Case, Work, poll, polled, prepared_in_runtime};

/// The outcome of the operation behind a breaker.
trait Dependency: 'static {
    fn call() -> impl Future<Output = Result<u64, Failure>> + Send + 'static;
}

struct Healthy;
struct Mixed;
struct Down;

impl Dependency for Healthy {
    fn call() -> impl Future<Output = Result<u64, Failure>> + Send + 'static {
        ready()
    }
}

impl Dependency for Mixed {
    fn call() -> impl Future<Output = Result<u64, Failure>> + Send + 'static {
        one_in_ten_fails()
    }
}

impl Dependency for Down {
    fn call() -> impl Future<Output = Result<u64, Failure>> + Send + 'static {
        failing()
    }
}

/// How a breaker is used in a case.
#[derive(Clone, Copy)]
struct Scene {
    /// Calls before the first measured one.
    before: u64,
    /// How often the operation runs in a measured call.
    operations: u64,
    outcome: fn(&Answer) -> bool,
}

/// The outcome of a call, for all peers.
type Answer = Result<u64, Refused>;

struct Refused(bool);

const CLOSED: Scene = Scene { before: 200, operations: 1, outcome: Result::is_ok };
const MIXED: Scene = Scene {
    before: 200,
    operations: 1,
    // The breaker must stay closed: every call reaches the operation.
    outcome: |answer| !matches!(answer, Err(Refused(true))),
};
const OPEN: Scene =
    Scene { before: 200, operations: 0, outcome: |answer| matches!(answer, Err(Refused(true))) };
const WINDOW_1K: Scene = Scene { before: 1_000, ..CLOSED };
const WINDOW_10K: Scene = Scene { before: 10_000, ..CLOSED };

/// Long enough for a breaker to stay open while it is measured.
const WAIT: Duration = Duration::from_hours(1);
/// Long enough for a time window to keep every call of a measurement.
const LONG: Duration = Duration::from_mins(10);
const TEN_SECONDS: Duration = Duration::from_secs(10);

/// The peers' breakers.
pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::peer("breaker/closed", "recloser", || recloser::<Healthy>(CLOSED)),
        Case::peer("breaker/closed", "failsafe (consecutive)", || {
            failsafe_consecutive::<Healthy>(CLOSED)
        }),
        Case::peer("breaker/closed", "nobreak (consecutive)", || nobreak::<Healthy>(CLOSED)),
        Case::peer("breaker/closed", "rskit (consecutive)", || rskit::<Healthy>(CLOSED)),
        Case::peer("breaker/closed", "resilient (consecutive)", || resilient::<Healthy>(CLOSED)),
        Case::peer("breaker/closed", "circuitbreaker-rs", || circuitbreaker_rs::<Healthy>(CLOSED)),
        Case::peer("breaker/closed", "do-over (consecutive)", || do_over::<Healthy>(CLOSED)),
        Case::peer("breaker/closed", "tower-resilience (count 100)", || {
            tower_count::<Healthy>(CLOSED)
        }),
    ];
    cases.extend([
        Case::peer("breaker/mixed", "recloser", || recloser::<Mixed>(MIXED)),
        Case::peer("breaker/mixed", "failsafe (consecutive)", || {
            failsafe_consecutive::<Mixed>(MIXED)
        }),
        Case::peer("breaker/mixed", "nobreak (consecutive)", || nobreak::<Mixed>(MIXED)),
        Case::peer("breaker/mixed", "rskit (consecutive)", || rskit::<Mixed>(MIXED)),
        Case::peer("breaker/mixed", "resilient (consecutive)", || resilient::<Mixed>(MIXED)),
        Case::peer("breaker/mixed", "circuitbreaker-rs", || circuitbreaker_rs::<Mixed>(MIXED)),
        Case::peer("breaker/mixed", "do-over (consecutive)", || do_over::<Mixed>(MIXED)),
        Case::peer("breaker/mixed", "tower-resilience (count 100)", || tower_count::<Mixed>(MIXED)),
        Case::peer("breaker/mixed", "failsafe (rate, 10 s window)", || {
            failsafe_rate::<Mixed>(MIXED, TEN_SECONDS)
        }),
        Case::peer("breaker/mixed", "seatbelt (10 s window)", || {
            seatbelt::<Mixed>(MIXED, TEN_SECONDS)
        }),
    ]);
    cases.extend([
        Case::peer("breaker/open", "recloser", || recloser::<Down>(OPEN)),
        Case::peer("breaker/open", "failsafe (consecutive)", || failsafe_consecutive::<Down>(OPEN)),
        Case::peer("breaker/open", "nobreak (consecutive)", || nobreak::<Down>(OPEN)),
        Case::peer("breaker/open", "rskit (consecutive)", || rskit::<Down>(OPEN)),
        Case::peer("breaker/open", "resilient (consecutive)", || resilient::<Down>(OPEN)),
        Case::peer("breaker/open", "circuitbreaker-rs", || circuitbreaker_rs::<Down>(OPEN)),
        Case::peer("breaker/open", "do-over (consecutive)", || do_over::<Down>(OPEN)),
        Case::peer("breaker/open", "tower-resilience (count 100)", || tower_count::<Down>(OPEN)),
        Case::peer("breaker/open", "seatbelt (10 s window)", || {
            seatbelt::<Down>(OPEN, TEN_SECONDS)
        }),
    ]);
    cases.extend([
        Case::peer("breaker/time-window", "failsafe (rate)", || {
            failsafe_rate::<Healthy>(WINDOW_1K, TEN_SECONDS)
        }),
        Case::peer("breaker/time-window", "seatbelt", || {
            seatbelt::<Healthy>(WINDOW_1K, TEN_SECONDS)
        }),
        Case::peer("breaker/time-window", "tower-resilience (time)", || {
            tower_time::<Healthy>(WINDOW_1K)
        })
        .calls(100),
        Case::peer("breaker/time-window-10k", "failsafe (rate)", || {
            failsafe_rate::<Healthy>(WINDOW_10K, LONG)
        }),
        Case::peer("breaker/time-window-10k", "seatbelt", || seatbelt::<Healthy>(WINDOW_10K, LONG)),
        Case::peer("breaker/time-window-10k", "tower-resilience (time)", || {
            tower_time::<Healthy>(WINDOW_10K)
        })
        .calls(20),
    ]);
    cases
}

/// Makes the calls that come before, then the case.
fn scene(
    mut call: impl FnMut(&mut Context<'_>) -> Answer + 'static,
    scene: Scene,
) -> Box<dyn Work> {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..scene.before {
        // Only the state that they leave behind matters.
        let _ = call(&mut cx);
    }
    polled(call, scene.operations, scene.outcome)
}

fn recloser<D: Dependency>(of: Scene) -> Box<dyn Work> {
    let breaker = recloser::AsyncRecloser::from(
        recloser::Recloser::custom()
            .error_rate(0.5)
            .closed_len(100)
            .half_open_len(10)
            .open_wait(WAIT)
            .build(),
    );
    scene(
        move |cx| {
            poll(breaker.call(D::call()), cx)
                .map_err(|error| Refused(matches!(error, recloser::Error::Rejected)))
        },
        of,
    )
}

fn failsafe_consecutive<D: Dependency>(of: Scene) -> Box<dyn Work> {
    let policy =
        failsafe::failure_policy::consecutive_failures(5, failsafe::backoff::constant(WAIT));
    let breaker = failsafe::Config::new().failure_policy(policy).build();
    scene(
        move |cx| {
            poll(breaker.call(D::call()), cx)
                .map_err(|error| Refused(matches!(error, failsafe::Error::Rejected)))
        },
        of,
    )
}

fn failsafe_rate<D: Dependency>(of: Scene, window: Duration) -> Box<dyn Work> {
    let policy = failsafe::failure_policy::success_rate_over_time_window(
        0.5,
        10,
        window,
        failsafe::backoff::constant(WAIT),
    );
    let breaker = failsafe::Config::new().failure_policy(policy).build();
    scene(
        move |cx| {
            poll(breaker.call(D::call()), cx)
                .map_err(|error| Refused(matches!(error, failsafe::Error::Rejected)))
        },
        of,
    )
}

fn nobreak<D: Dependency>(of: Scene) -> Box<dyn Work> {
    let breaker = nobreak::builder()
        .with_failure_threshold(5)
        .with_success_threshold(2)
        .with_open_duration(WAIT)
        .build();
    scene(
        move |cx| {
            poll(breaker.call_async(|| D::call()), cx)
                .map_err(|error| Refused(matches!(error, nobreak::CircuitError::Open)))
        },
        of,
    )
}

fn rskit<D: Dependency>(of: Scene) -> Box<dyn Work> {
    let config = rskit_resilience::CbConfig::new("benches").with_timeout(WAIT);
    let breaker = rskit_resilience::CircuitBreaker::new(config).expect("a valid breaker");
    let call = || async { D::call().await.map_err(AppError::internal) };
    scene(
        move |cx| {
            poll(breaker.execute(call), cx)
                .map_err(|error| Refused(error.code() != rskit_errors::ErrorCode::Internal))
        },
        of,
    )
}

fn resilient<D: Dependency>(of: Scene) -> Box<dyn Work> {
    let breaker =
        resilient::BreakerPolicy::default().with_failure_threshold(5).with_open_timeout(WAIT);
    scene(
        move |cx| {
            poll(breaker.run(|| D::call()), cx).map_err(|error| {
                Refused(matches!(error, resilient::BreakerResult::CircuitOpen { .. }))
            })
        },
        of,
    )
}

fn circuitbreaker_rs<D: Dependency>(of: Scene) -> Box<dyn Work> {
    let breaker =
        circuitbreaker_rs::CircuitBreaker::<circuitbreaker_rs::DefaultPolicy, Failure>::builder()
            .failure_threshold(0.5)
            .cooldown(WAIT)
            .probe_interval(3)
            .build();
    scene(
        move |cx| {
            poll(breaker.call_async(|| D::call()), cx)
                .map_err(|error| Refused(matches!(error, circuitbreaker_rs::BreakerError::Open)))
        },
        of,
    )
}

fn do_over<D: Dependency>(of: Scene) -> Box<dyn Work> {
    let breaker = do_over::circuit_breaker::CircuitBreaker::new(5, WAIT);
    let call = || async { D::call().await.map_err(DoOverError::Inner) };
    scene(
        move |cx| {
            poll(breaker.execute(call), cx)
                .map_err(|error| Refused(matches!(error, DoOverError::CircuitOpen)))
        },
        of,
    )
}

fn seatbelt<D: Dependency>(of: Scene, window: Duration) -> Box<dyn Work> {
    prepared_in_runtime(move || {
        let clock = tick::Clock::new_tokio();
        let context = ResilienceContext::<(), Result<u64, Failure>>::new(&clock).name("benches");
        let service = (
            seatbelt::breaker::Breaker::layer("breaker", &context)
                .recovery_with(|result, _| match result {
                    Ok(_) => RecoveryInfo::never(),
                    Err(_) => RecoveryInfo::retry(),
                })
                .rejected_input_error(|(), _| Failure(2))
                // Its default of 10 % would open at the failures that the cases mix in.
                .failure_threshold(0.5)
                .sampling_duration(window)
                .break_duration(WAIT),
            Execute::new(|()| D::call()),
        )
            .into_service();
        scene(
            move |cx| poll(service.execute(()), cx).map_err(|error| Refused(error == Failure(2))),
            of,
        )
    })
}

fn tower_count<D: Dependency>(of: Scene) -> Box<dyn Work> {
    let layer = tower_resilience_circuitbreaker::CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_size(100)
        .wait_duration_in_open(WAIT)
        .build()
        .expect("a valid breaker");
    tower(layer.layer(service_fn(|()| D::call())), of)
}

fn tower_time<D: Dependency>(of: Scene) -> Box<dyn Work> {
    let layer = tower_resilience_circuitbreaker::CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_type(tower_resilience_circuitbreaker::SlidingWindowType::TimeBased)
        .sliding_window_duration(LONG)
        .wait_duration_in_open(WAIT)
        .build()
        .expect("a valid breaker");
    tower(layer.layer(service_fn(|()| D::call())), of)
}

fn tower<S>(mut service: S, of: Scene) -> Box<dyn Work>
where
    S: tower::Service<
            (),
            Response = u64,
            Error = tower_resilience_circuitbreaker::CircuitBreakerError<Failure>,
        > + 'static,
{
    scene(move |cx| serve(&mut service, cx).map_err(|error| Refused(error.is_circuit_open())), of)
}
