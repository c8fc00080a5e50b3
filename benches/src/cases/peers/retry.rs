//! Retries and hedges.
#![expect(
    clippy::redundant_closure,
    reason = "operations are passed as callers write them, as closures; so in every case"
)]

use std::future::{Ready, ready as done};
use std::time::Duration;

use backon::{ConstantBuilder, ExponentialBuilder, Retryable as _};
use do_over::error::DoOverError;
use do_over::policy::Policy as _;
use layered::{Execute, Service as _, Stack as _};
use rskit_errors::AppError;
use seatbelt::{RecoveryInfo, ResilienceContext};
use tower::retry::Retry;
use tower::{Layer as _, service_fn};

use super::serve;
use crate::operation::{Failure, ready, third_time_lucky};
use crate::{Case, Work, in_runtime, poll, polled, polled_in_runtime, prepared_in_runtime};

/// Calls in a measurement that uses the timer: each takes milliseconds.
const SLEEPING: u64 = 200;

/// The peers' retries and hedges.
pub fn cases() -> Vec<Case> {
    [first(), third(), hedge()].concat()
}

fn first() -> Vec<Case> {
    const GROUP: &str = "retry/first";
    vec![
        Case::peer(GROUP, "backoff", || {
            polled_in_runtime(
                |cx| {
                    let schedule = backoff::ExponentialBackoff::default();
                    poll(backoff::future::retry(schedule, || transient()), cx)
                },
                1,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "backoff, constant delay", || {
            polled_in_runtime(
                |cx| {
                    let schedule = backoff::backoff::Constant::new(Duration::from_millis(10));
                    poll(backoff::future::retry(schedule, || transient()), cx)
                },
                1,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "tokio-retry", || {
            polled(
                |cx| {
                    let schedule =
                        tokio_retry::strategy::ExponentialBackoff::from_millis(10).take(2);
                    poll(tokio_retry::Retry::start(schedule, || ready()), cx)
                },
                1,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "tokio-retry2", || {
            polled(
                |cx| {
                    let schedule =
                        tokio_retry2::strategy::ExponentialBackoff::from_millis(10).take(2);
                    poll(tokio_retry2::Retry::spawn(schedule, || transient2()), cx)
                },
                1,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "tower", || {
            let mut service = Retry::new(TowerAttempts(3), service_fn(|()| ready()));
            polled(move |cx| serve(&mut service, cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "resilient", || {
            let retry = resilient::RetryPolicy::default().with_max_retries(2);
            polled(move |cx| poll(retry.run(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "seatbelt", || seatbelt_retry::<First>(None)),
        Case::peer(GROUP, "backon", || {
            polled(
                |cx| poll((|| ready()).retry(ExponentialBuilder::default().with_max_times(2)), cx),
                1,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "do-over", || {
            let retry =
                do_over::retry::RetryPolicy::exponential(2, Duration::from_millis(100), 2.0);
            let call = || async { ready().await.map_err(DoOverError::Inner) };
            polled(move |cx| poll(retry.execute(call), cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "rskit", || {
            let retry = rskit_resilience::RetryPolicy::new().with_max_attempts(3);
            let call = || async { ready().await.map_err(AppError::internal) };
            polled_in_runtime(move |cx| poll(retry.execute(call), cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "tower-resilience", || {
            let layer = tower_resilience_retry::RetryLayer::<(), u64, Failure>::builder()
                .max_attempts(3)
                .exponential_backoff(Duration::from_millis(100))
                .build();
            let mut service = layer.layer(service_fn(|()| ready()));
            polled(move |cx| serve(&mut service, cx), 1, Result::is_ok)
        }),
    ]
}

fn third() -> Vec<Case> {
    const GROUP: &str = "retry/third";
    vec![
        Case::peer(GROUP, "tower", || {
            let mut service = Retry::new(TowerAttempts(3), service_fn(|()| third_time_lucky()));
            polled(move |cx| serve(&mut service, cx), 3, Result::is_ok)
        }),
        Case::peer(GROUP, "backon, no-op sleeper", || {
            polled(
                |cx| {
                    let attempts = (|| third_time_lucky()).retry(at_once()).sleep(|_| done(()));
                    poll(attempts, cx)
                },
                3,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "seatbelt", || seatbelt_retry::<Third>(Some(Duration::ZERO))),
        Case::peer(GROUP, "backoff", || {
            let call = || async { third_time_lucky().await.map_err(backoff::Error::transient) };
            in_runtime(
                async move || backoff::future::retry(backoff::backoff::Zero {}, call).await,
                3,
                Result::is_ok,
            )
        })
        .calls(SLEEPING),
        Case::peer(GROUP, "tokio-retry", || {
            in_runtime(
                async || {
                    let schedule = tokio_retry::strategy::FixedInterval::from_millis(0).take(2);
                    tokio_retry::Retry::start(schedule, || third_time_lucky()).await
                },
                3,
                Result::is_ok,
            )
        })
        .calls(SLEEPING),
        Case::peer(GROUP, "tokio-retry2", || {
            let call =
                || async { third_time_lucky().await.map_err(tokio_retry2::RetryError::transient) };
            in_runtime(
                async move || {
                    let schedule = tokio_retry2::strategy::FixedInterval::from_millis(0).take(2);
                    tokio_retry2::Retry::spawn(schedule, call).await
                },
                3,
                Result::is_ok,
            )
        })
        .calls(SLEEPING),
        Case::peer(GROUP, "backon", || {
            in_runtime(async || (|| third_time_lucky()).retry(at_once()).await, 3, Result::is_ok)
        })
        .calls(SLEEPING),
        Case::peer(GROUP, "resilient", || {
            let retry = resilient::RetryPolicy::default()
                .with_max_retries(2)
                .with_min_delay(Duration::ZERO)
                .with_max_delay(Duration::ZERO);
            in_runtime(async move || retry.run(|| third_time_lucky()).await, 3, Result::is_ok)
        })
        .calls(SLEEPING),
        Case::peer(GROUP, "do-over", || {
            let retry = do_over::retry::RetryPolicy::fixed(2, Duration::ZERO);
            let call = || async { third_time_lucky().await.map_err(DoOverError::Inner) };
            in_runtime(async move || retry.execute(call).await, 3, Result::is_ok)
        })
        .calls(SLEEPING),
        Case::peer(GROUP, "rskit", || {
            let retry = rskit_resilience::RetryPolicy::new()
                .with_max_attempts(3)
                .with_initial_backoff(Duration::ZERO)
                .with_max_backoff(Duration::ZERO)
                .with_retry_if(|_| true);
            let call = || async { third_time_lucky().await.map_err(AppError::internal) };
            in_runtime(async move || retry.execute(call).await, 3, Result::is_ok)
        })
        .calls(SLEEPING),
        Case::peer(GROUP, "tower-resilience", || {
            let layer = tower_resilience_retry::RetryLayer::<(), u64, Failure>::builder()
                .max_attempts(3)
                .fixed_backoff(Duration::ZERO)
                .build();
            let mut service = layer.layer(service_fn(|()| third_time_lucky()));
            in_runtime(
                async move || tower::ServiceExt::ready(&mut service).await?.call(()).await,
                3,
                Result::is_ok,
            )
        })
        .calls(SLEEPING),
    ]
}

use tower::Service as _;

fn at_once() -> ConstantBuilder {
    ConstantBuilder::default().with_delay(Duration::ZERO).with_max_times(2)
}

async fn transient() -> Result<u64, backoff::Error<Failure>> {
    ready().await.map_err(backoff::Error::transient)
}

async fn transient2() -> Result<u64, tokio_retry2::RetryError<Failure>> {
    ready().await.map_err(tokio_retry2::RetryError::transient)
}

/// The policy of tower's documentation: it counts down.
#[derive(Clone)]
struct TowerAttempts(u32);

impl tower::retry::Policy<(), u64, Failure> for TowerAttempts {
    type Future = Ready<()>;

    fn retry(&mut self, (): &mut (), result: &mut Result<u64, Failure>) -> Option<Self::Future> {
        if result.is_ok() || self.0 <= 1 {
            return None;
        }
        self.0 -= 1;
        Some(done(()))
    }

    fn clone_request(&mut self, (): &()) -> Option<()> {
        Some(())
    }
}

trait Lucky: 'static {
    const OPERATIONS: u64;
    fn call() -> impl Future<Output = Result<u64, Failure>> + Send + 'static;
}

struct First;
struct Third;

impl Lucky for First {
    const OPERATIONS: u64 = 1;
    fn call() -> impl Future<Output = Result<u64, Failure>> + Send + 'static {
        ready()
    }
}

impl Lucky for Third {
    const OPERATIONS: u64 = 3;
    fn call() -> impl Future<Output = Result<u64, Failure>> + Send + 'static {
        third_time_lucky()
    }
}

fn seatbelt_retry<L: Lucky>(delay: Option<Duration>) -> Box<dyn Work> {
    prepared_in_runtime(move || {
        let clock = tick::Clock::new_tokio();
        let context = ResilienceContext::<(), Result<u64, Failure>>::new(&clock).name("benches");
        let mut layer = seatbelt::retry::Retry::layer("retry", &context)
            .clone_input()
            .recovery_with(|result, _| match result {
                Ok(_) => RecoveryInfo::never(),
                Err(_) => RecoveryInfo::retry(),
            })
            .max_retry_attempts(2);
        if let Some(delay) = delay {
            layer = layer.base_delay(delay);
        }
        let service = (layer, Execute::new(|()| L::call())).into_service();
        polled(move |cx| poll(service.execute(()), cx), L::OPERATIONS, Result::is_ok)
    })
}

fn hedge() -> Vec<Case> {
    const GROUP: &str = "hedge/ready";
    const DELAY: Duration = Duration::from_millis(500);
    vec![
        Case::peer(GROUP, "tower", || {
            let mut service = tower::hedge::Hedge::new(
                service_fn(|()| ready()),
                Always,
                10,
                0.9,
                Duration::from_secs(10),
            );
            polled_in_runtime(move |cx| serve(&mut service, cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "seatbelt", || {
            prepared_in_runtime(|| {
                let clock = tick::Clock::new_tokio();
                let context =
                    ResilienceContext::<(), Result<u64, Failure>>::new(&clock).name("benches");
                let layer = seatbelt::hedging::Hedging::layer("hedging", &context)
                    .clone_input()
                    .recovery_with(|result, _| match result {
                        Ok(_) => RecoveryInfo::never(),
                        Err(_) => RecoveryInfo::retry(),
                    })
                    .hedging_delay(DELAY);
                let service = (layer, Execute::new(|()| ready())).into_service();
                polled(move |cx| poll(service.execute(()), cx), 1, Result::is_ok)
            })
        }),
        Case::peer(GROUP, "tower-resilience", || {
            let layer = tower_resilience_hedge::HedgeLayer::builder()
                .delay(DELAY)
                .max_hedged_attempts(2)
                .build();
            let mut service = layer.layer(service_fn(|()| ready()));
            polled_in_runtime(move |cx| serve(&mut service, cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "do-over", || {
            let hedge = do_over::hedge::Hedge::new(DELAY);
            let call = || async { ready().await.map_err(DoOverError::Inner) };
            polled_in_runtime(move |cx| poll(hedge.execute(call), cx), 1, Result::is_ok)
        }),
    ]
}

/// Hedges every call.
#[derive(Clone)]
struct Always;

impl tower::hedge::Policy<()> for Always {
    fn clone_request(&self, (): &()) -> Option<()> {
        Some(())
    }

    fn can_retry(&self, (): &()) -> bool {
        true
    }
}
