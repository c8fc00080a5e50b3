//! Timeouts, panic guards and fallbacks.

use std::panic::AssertUnwindSafe;
use std::task::Context;
use std::time::Duration;

use bytes::Bytes;
use do_over::error::DoOverError;
use do_over::policy::Policy as _;
use futures_util::FutureExt as _;
use http_body_util::Empty;
use layered::{Execute, Service as _, Stack as _};
use rskit_errors::AppError;
use seatbelt::ResilienceContext;
use tower::timeout::Timeout;
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_http::catch_panic::CatchPanicLayer;

use super::serve;
use crate::operation::{Failure, failing, hush, panicking, ready, yielding};
use crate::{
    Case, in_runtime, in_runtime_with, poll, polled, polled_in_runtime, prepared_in_runtime,
};

const SECOND: Duration = Duration::from_secs(1);

/// The peers' guards.
pub fn cases() -> Vec<Case> {
    [timeout_ready(), timeout_yields(), panic(), fallback()].concat()
}

fn timeout_ready() -> Vec<Case> {
    const GROUP: &str = "timeout/ready";
    vec![
        Case::peer(GROUP, "tokio", || {
            polled_in_runtime(
                |cx| poll(tokio::time::timeout(SECOND, ready()), cx),
                1,
                |answer| matches!(answer, Ok(Ok(_))),
            )
        }),
        Case::peer(GROUP, "tower", || {
            let mut service = Timeout::new(service_fn(|()| ready()), SECOND);
            polled_in_runtime(move |cx| serve(&mut service, cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "seatbelt", || {
            prepared_in_runtime(|| {
                let clock = tick::Clock::new_tokio();
                let context =
                    ResilienceContext::<(), Result<u64, Failure>>::new(&clock).name("benches");
                let layer = seatbelt::timeout::Timeout::layer("timeout", &context)
                    .timeout_error(|_| Failure(3))
                    .timeout(SECOND);
                let service = (layer, Execute::new(|()| ready())).into_service();
                polled(move |cx| poll(service.execute(()), cx), 1, Result::is_ok)
            })
        }),
        Case::peer(GROUP, "do-over", || {
            let timeout = do_over::timeout::TimeoutPolicy::new(SECOND);
            let call = || async { ready().await.map_err(DoOverError::Inner) };
            polled_in_runtime(move |cx| poll(timeout.execute(call), cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "rskit", || {
            let policy = rskit_resilience::Policy::new().with_timeout(SECOND);
            let call = || async { ready().await.map_err(AppError::internal) };
            polled_in_runtime(move |cx| poll(policy.execute(call), cx), 1, Result::is_ok)
        }),
        Case::peer(GROUP, "tower-resilience", || {
            let layer = tower_resilience_timelimiter::TimeLimiterLayer::builder()
                .timeout_duration(SECOND)
                .cancel_running_future(true)
                .build();
            let mut service = layer.layer(service_fn(|()| ready()));
            polled_in_runtime(move |cx| serve(&mut service, cx), 1, Result::is_ok)
        }),
    ]
}

fn timeout_yields() -> Vec<Case> {
    const GROUP: &str = "timeout/yields";
    vec![
        Case::floor(GROUP, "no timeout at all", || {
            in_runtime(async || yielding().await, 1, Result::is_ok)
        }),
        Case::peer(GROUP, "tokio", || {
            in_runtime(
                async || tokio::time::timeout(SECOND, yielding()).await,
                1,
                |answer| matches!(answer, Ok(Ok(_))),
            )
        }),
        Case::peer(GROUP, "tower", || {
            let mut service = Timeout::new(service_fn(|()| yielding()), SECOND);
            in_runtime(async move || service.ready().await?.call(()).await, 1, Result::is_ok)
        }),
        Case::peer(GROUP, "seatbelt", || {
            in_runtime_with(
                || {
                    let clock = tick::Clock::new_tokio();
                    let context =
                        ResilienceContext::<(), Result<u64, Failure>>::new(&clock).name("benches");
                    let layer = seatbelt::timeout::Timeout::layer("timeout", &context)
                        .timeout_error(|_| Failure(3))
                        .timeout(SECOND);
                    let service = (layer, Execute::new(|()| yielding())).into_service();
                    async move || service.execute(()).await
                },
                1,
                Result::is_ok,
            )
        }),
        Case::peer(GROUP, "tower-resilience", || {
            let layer = tower_resilience_timelimiter::TimeLimiterLayer::builder()
                .timeout_duration(SECOND)
                .cancel_running_future(true)
                .build();
            let mut service = layer.layer(service_fn(|()| yielding()));
            in_runtime(async move || service.ready().await?.call(()).await, 1, Result::is_ok)
        }),
    ]
}

fn panic() -> Vec<Case> {
    vec![
        Case::peer("panic/ready", "futures", || {
            polled(
                |cx| poll(AssertUnwindSafe(ready()).catch_unwind(), cx),
                1,
                |answer| matches!(answer, Ok(Ok(_))),
            )
        }),
        Case::floor("panic/http", "no guard", || {
            let mut service = service_fn(|request: Request| answer(request));
            polled(move |cx| poll_http(&mut service, cx), 1, |&well| well)
        }),
        Case::peer("panic/http", "tower-http", || {
            let mut service =
                CatchPanicLayer::new().layer(service_fn(|request: Request| answer(request)));
            polled(move |cx| poll_http(&mut service, cx), 1, |&well| well)
        }),
        Case::peer("panic/ready", "tokio::spawn + JoinHandle", || {
            in_runtime(
                async || tokio::spawn(ready()).await,
                1,
                |answer| matches!(answer, Ok(Ok(_))),
            )
        }),
        Case::peer("panic/panics", "futures", || {
            hush();
            polled(|cx| poll(AssertUnwindSafe(panicking()).catch_unwind(), cx), 1, Result::is_err)
        })
        .calls(1_000),
        Case::peer("panic/panics", "tokio::spawn + JoinHandle", || {
            hush();
            in_runtime(async || tokio::spawn(panicking()).await, 1, Result::is_err)
        })
        .calls(1_000),
    ]
}

type Request = http::Request<Empty<Bytes>>;

/// An HTTP service, since tower-http guards those.
async fn answer(_: Request) -> Result<http::Response<Empty<Bytes>>, Failure> {
    ready().await.map(|_| http::Response::new(Empty::new()))
}

fn poll_http<S, B>(service: &mut S, cx: &mut Context<'_>) -> bool
where
    S: tower::Service<Request, Response = http::Response<B>>,
{
    let ready = service.poll_ready(cx).is_ready();
    ready && poll(service.call(Request::new(Empty::new())), cx).is_ok()
}

fn fallback() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.push(Case::floor("fallback/used", "Result::or_else by hand", || {
        polled(
            |cx| poll(failing(), cx).or_else(|failure| Ok::<u64, Failure>(u64::from(failure.0))),
            1,
            |answer| *answer == Ok(1),
        )
    }));
    cases.push(Case::peer("fallback/used", "seatbelt", || {
        seatbelt_fallback(failing, |answer| *answer == Ok(1))
    }));
    cases.push(Case::peer("fallback/used", "tower-resilience", || {
        let layer = tower_resilience_fallback::FallbackLayer::<(), u64, Failure>::from_error(|_| 1);
        let mut service = layer.layer(service_fn(|()| failing()));
        polled(move |cx| serve(&mut service, cx), 1, |answer| matches!(answer, Ok(1)))
    }));
    cases.push(Case::peer("fallback/not-used", "seatbelt", || {
        seatbelt_fallback(ready, |answer| *answer == Ok(7))
    }));
    cases.push(Case::peer("fallback/not-used", "tower-resilience", || {
        let layer = tower_resilience_fallback::FallbackLayer::<(), u64, Failure>::from_error(|_| 1);
        let mut service = layer.layer(service_fn(|()| ready()));
        polled(move |cx| serve(&mut service, cx), 1, |answer| matches!(answer, Ok(7)))
    }));
    cases
}

fn seatbelt_fallback<Fut>(
    operation: fn() -> Fut,
    outcome: fn(&Result<u64, Failure>) -> bool,
) -> Box<dyn crate::Work>
where
    Fut: Future<Output = Result<u64, Failure>> + Send + 'static,
{
    prepared_in_runtime(move || {
        let clock = tick::Clock::new_tokio();
        let context = ResilienceContext::<(), Result<u64, Failure>>::new(&clock).name("benches");
        let layer = seatbelt::fallback::Fallback::layer("fallback", &context)
            .should_fallback(Result::is_err)
            .fallback(|_, _| Ok(1));
        let service = (layer, Execute::new(move |()| operation())).into_service();
        polled(move |cx| poll(service.execute(()), cx), 1, outcome)
    })
}
