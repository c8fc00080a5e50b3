//! Whole stacks of policies: retry around a breaker, and with timeouts around both.
//!
//! Each is put together in the order that its documentation gives.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use do_over::error::DoOverError;
use do_over::policy::Policy as _;
use do_over::wrap::Wrap;
use layered::{Execute, Service as _, Stack as _};
use recloser::AsyncRecloser;
use rskit_errors::AppError;
use seatbelt::{RecoveryInfo, ResilienceContext};
use tower::{Service as _, ServiceBuilder, ServiceExt as _, service_fn};

use super::serve;
use crate::operation::{Failure, ready, yielding};
use crate::{
    Case, in_runtime, in_runtime_with, poll, polled, polled_in_runtime, prepared_in_runtime,
};

const SECOND: Duration = Duration::from_secs(1);
const TEN_SECONDS: Duration = Duration::from_secs(10);

/// Timeout, retry, breaker and attempt timeout. A macro, as the type of the service can't be named.
macro_rules! tower_full {
    ($operation:expr) => {
        ServiceBuilder::new()
            .layer(tower_limit(TEN_SECONDS))
            .layer(
                tower_resilience_retry::RetryLayer::<(), u64, TowerInner>::builder()
                    .max_attempts(3)
                    .exponential_backoff(Duration::from_millis(100))
                    .build(),
            )
            .layer(tower_breaker())
            .layer(tower_limit(SECOND))
            .service(service_fn(|()| $operation()))
    };
}

/// The peers' stacks.
pub fn cases() -> Vec<Case> {
    [two_ready(), two_yields(), full_ready(), full_yields()].concat()
}

fn two_ready() -> Vec<Case> {
    const GROUP: &str = "pipeline/retry+breaker/ready";
    vec![
        Case::peer(GROUP, "by hand: backon + recloser", || {
            let breaker = by_hand_breaker();
            polled(
                move |cx| poll((|| breaker.call(ready())).retry(by_hand_schedule()), cx),
                1,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "seatbelt", || {
            prepared_in_runtime(|| {
                let service = seatbelt_two(ready);
                polled(move |cx| poll(service.execute(()), cx), 1, Result::is_ok)
            })
        }),
        Case::peer(GROUP, "rskit", || {
            let policy = rskit_two();
            let call = || async { ready().await.map_err(AppError::internal) };
            polled_in_runtime(move |cx| poll(policy.execute(call), cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "resilient", || {
            let pipeline = resilient_two();
            polled_in_runtime(
                move |cx| poll(pipeline.run(|| async { ready().await.map_err(Boxed::from) }), cx),
                1,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "do-over", || {
            let policy = do_over_two();
            let call = || async { ready().await.map_err(DoOverError::Inner) };
            polled(move |cx| poll(policy.execute(call), cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "tower-resilience", || {
            let mut service = ServiceBuilder::new()
                .layer(tower_retry())
                .layer(tower_breaker())
                .service(service_fn(|()| ready()));
            polled(move |cx| serve(&mut service, cx), 1, Result::is_ok)
        }),
    ]
}

fn two_yields() -> Vec<Case> {
    const GROUP: &str = "pipeline/retry+breaker/yields";
    vec![
        Case::peer(GROUP, "by hand: backon + recloser", || {
            let breaker = by_hand_breaker();
            in_runtime(
                async move || (|| breaker.call(yielding())).retry(by_hand_schedule()).await,
                1,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "seatbelt", || {
            in_runtime_with(
                || {
                    let service = seatbelt_two(yielding);
                    async move || service.execute(()).await
                },
                1,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "tower-resilience", || {
            let mut service = ServiceBuilder::new()
                .layer(tower_retry())
                .layer(tower_breaker())
                .service(service_fn(|()| yielding()));
            in_runtime(async move || service.ready().await?.call(()).await, 1, Result::is_ok)
        }),
    ]
}

fn full_ready() -> Vec<Case> {
    const GROUP: &str = "pipeline/full/ready";
    vec![
        Case::peer(GROUP, "by hand: tokio timeout + backon + recloser", || {
            let breaker = by_hand_breaker();
            polled_in_runtime(
                move |cx| {
                    let attempts = (|| breaker.call(tokio::time::timeout(SECOND, ready())))
                        .retry(by_hand_schedule());
                    poll(tokio::time::timeout(TEN_SECONDS, attempts), cx)
                },
                1,
                |answer| matches!(answer, Ok(Ok(Ok(_)))),
            )
        }),
        Case::peer(GROUP, "seatbelt (timeout per attempt)", || {
            prepared_in_runtime(|| {
                let service = seatbelt_full(ready);
                polled(move |cx| poll(service.execute(()), cx), 1, Result::is_ok)
            })
        }),
        Case::peer(GROUP, "tower (no breaker exists)", || {
            let mut service = ServiceBuilder::new()
                .timeout(TEN_SECONDS)
                .retry(TowerBoxed(3))
                .timeout(SECOND)
                .service(service_fn(|()| ready()));
            polled_in_runtime(move |cx| serve(&mut service, cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "rskit", || {
            let policy = rskit_two().with_timeout(TEN_SECONDS);
            let call = || async { ready().await.map_err(AppError::internal) };
            polled_in_runtime(move |cx| poll(policy.execute(call), cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "resilient", || {
            let pipeline = resilient_two()
                .with_timeout(resilient::timeout::Builder::new().with_timeout(TEN_SECONDS).build());
            polled_in_runtime(
                move |cx| poll(pipeline.run(|| async { ready().await.map_err(Boxed::from) }), cx),
                1,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "do-over", || {
            let policy = Wrap::new(
                do_over::timeout::TimeoutPolicy::new(TEN_SECONDS),
                Wrap::new(do_over_two(), do_over::timeout::TimeoutPolicy::new(SECOND)),
            );
            let call = || async { ready().await.map_err(DoOverError::Inner) };
            polled_in_runtime(move |cx| poll(policy.execute(call), cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "tower-resilience", || {
            let mut service = tower_full!(ready);
            polled_in_runtime(move |cx| serve(&mut service, cx), 1, Result::is_ok)
        }),
    ]
}

fn full_yields() -> Vec<Case> {
    const GROUP: &str = "pipeline/full/yields";
    vec![
        Case::peer(GROUP, "by hand: tokio timeout + backon + recloser", || {
            let breaker = by_hand_breaker();
            in_runtime(
                async move || {
                    let attempts = (|| breaker.call(tokio::time::timeout(SECOND, yielding())))
                        .retry(by_hand_schedule());
                    tokio::time::timeout(TEN_SECONDS, attempts).await
                },
                1,
                |answer| matches!(answer, Ok(Ok(Ok(_)))),
            )
        }),
        Case::peer(GROUP, "seatbelt (timeout per attempt)", || {
            in_runtime_with(
                || {
                    let service = seatbelt_full(yielding);
                    async move || service.execute(()).await
                },
                1,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "tower (no breaker exists)", || {
            let mut service = ServiceBuilder::new()
                .timeout(TEN_SECONDS)
                .retry(TowerBoxed(3))
                .timeout(SECOND)
                .service(service_fn(|()| yielding()));
            in_runtime(async move || service.ready().await?.call(()).await, 1, Result::is_ok)
        }),
        Case::peer(GROUP, "tower-resilience", || {
            let mut service = tower_full!(yielding);
            in_runtime(async move || service.ready().await?.call(()).await, 1, Result::is_ok)
        }),
    ]
}

pub(super) fn by_hand_breaker() -> AsyncRecloser {
    AsyncRecloser::from(
        recloser::Recloser::custom()
            .error_rate(0.5)
            .closed_len(100)
            .half_open_len(10)
            .open_wait(Duration::from_secs(30))
            .build(),
    )
}

fn by_hand_schedule() -> ExponentialBuilder {
    ExponentialBuilder::default().with_max_times(2).with_jitter()
}

fn recovery(result: &Result<u64, Failure>) -> RecoveryInfo {
    match result {
        Ok(_) => RecoveryInfo::never(),
        Err(_) => RecoveryInfo::retry(),
    }
}

pub(super) fn seatbelt_two<Fut>(
    operation: fn() -> Fut,
) -> impl layered::Service<(), Out = Result<u64, Failure>> + 'static
where
    Fut: Future<Output = Result<u64, Failure>> + Send + 'static,
{
    let clock = tick::Clock::new_tokio();
    let context = ResilienceContext::<(), Result<u64, Failure>>::new(&clock).name("benches");
    (
        seatbelt::retry::Retry::layer("retry", &context)
            .clone_input()
            .recovery_with(|result, _| recovery(result))
            .max_retry_attempts(2),
        seatbelt::breaker::Breaker::layer("breaker", &context)
            .recovery_with(|result, _| recovery(result))
            .rejected_input_error(|(), _| Failure(2)),
        Execute::new(move |()| operation()),
    )
        .into_service()
}

pub(super) fn seatbelt_full<Fut>(
    operation: fn() -> Fut,
) -> impl layered::Service<(), Out = Result<u64, Failure>> + 'static
where
    Fut: Future<Output = Result<u64, Failure>> + Send + 'static,
{
    let clock = tick::Clock::new_tokio();
    let context = ResilienceContext::<(), Result<u64, Failure>>::new(&clock).name("benches");
    (
        seatbelt::retry::Retry::layer("retry", &context)
            .clone_input()
            .recovery_with(|result, _| recovery(result))
            .max_retry_attempts(2),
        seatbelt::breaker::Breaker::layer("breaker", &context)
            .recovery_with(|result, _| recovery(result))
            .rejected_input_error(|(), _| Failure(2)),
        seatbelt::timeout::Timeout::layer("timeout", &context)
            .timeout_error(|_| Failure(3))
            .timeout(SECOND),
        Execute::new(move |()| operation()),
    )
        .into_service()
}

pub(super) fn seatbelt_breaker<Fut>(
    operation: fn() -> Fut,
) -> impl layered::Service<(), Out = Result<u64, Failure>> + 'static
where
    Fut: Future<Output = Result<u64, Failure>> + Send + 'static,
{
    seatbelt_window(operation, TEN_SECONDS)
}

pub(super) fn seatbelt_window<Fut>(
    operation: fn() -> Fut,
    window: Duration,
) -> impl layered::Service<(), Out = Result<u64, Failure>> + 'static
where
    Fut: Future<Output = Result<u64, Failure>> + Send + 'static,
{
    let clock = tick::Clock::new_tokio();
    let context = ResilienceContext::<(), Result<u64, Failure>>::new(&clock).name("benches");
    (
        seatbelt::breaker::Breaker::layer("breaker", &context)
            .recovery_with(|result, _| recovery(result))
            .rejected_input_error(|(), _| Failure(2))
            .sampling_duration(window),
        Execute::new(move |()| operation()),
    )
        .into_service()
}

fn rskit_two() -> rskit_resilience::Policy {
    rskit_resilience::Policy::new()
        .with_retry(rskit_resilience::RetryPolicy::new().with_max_attempts(3))
        .with_circuit_breaker(rskit_resilience::CbConfig::new("benches"))
        .expect("a valid breaker")
}

/// The error that resilient's documentation recommends for pipelines.
type Boxed = Box<dyn std::error::Error + Send + Sync>;

fn resilient_two() -> resilient::pipeline::Pipeline {
    resilient::pipeline::Pipeline::new()
        .with_retry(resilient::RetryPolicy::default().with_max_retries(2))
        .with_circuit_breaker(resilient::BreakerPolicy::default())
}

fn do_over_two() -> Wrap<do_over::circuit_breaker::CircuitBreaker, do_over::retry::RetryPolicy> {
    Wrap::new(
        do_over::circuit_breaker::CircuitBreaker::new(5, Duration::from_secs(30)),
        do_over::retry::RetryPolicy::exponential(2, Duration::from_millis(100), 2.0),
    )
}

type TowerRefused = tower_resilience_circuitbreaker::CircuitBreakerError<Failure>;
type TowerInner = tower_resilience_circuitbreaker::CircuitBreakerError<
    tower_resilience_timelimiter::TimeLimiterError<Failure>,
>;

fn tower_retry() -> tower_resilience_retry::RetryLayer<(), u64, TowerRefused> {
    tower_resilience_retry::RetryLayer::builder()
        .max_attempts(3)
        .exponential_backoff(Duration::from_millis(100))
        .build()
}

pub(super) fn tower_breaker() -> tower_resilience_circuitbreaker::CircuitBreakerLayer<
    tower_resilience_circuitbreaker::DefaultClassifier,
> {
    tower_resilience_circuitbreaker::CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_size(100)
        .build()
        .expect("a valid breaker")
}

fn tower_limit(
    after: Duration,
) -> tower_resilience_timelimiter::TimeLimiterLayer<tower_resilience_timelimiter::FixedTimeout> {
    tower_resilience_timelimiter::TimeLimiterLayer::builder()
        .timeout_duration(after)
        .cancel_running_future(true)
        .build()
}

/// A policy that counts down, for services with tower's boxed error.
#[derive(Clone)]
struct TowerBoxed(u32);

impl tower::retry::Policy<(), u64, tower::BoxError> for TowerBoxed {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        (): &mut (),
        result: &mut Result<u64, tower::BoxError>,
    ) -> Option<Self::Future> {
        if result.is_ok() || self.0 <= 1 {
            return None;
        }
        self.0 -= 1;
        Some(std::future::ready(()))
    }

    fn clone_request(&mut self, (): &()) -> Option<()> {
        Some(())
    }
}
