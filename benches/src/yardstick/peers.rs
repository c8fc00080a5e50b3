//! The stacks of other libraries, with the defaults that their documentation gives for everything
//! but the deadline, the time of an attempt and the number of attempts, which all stacks share.
//!
//! Their breakers read the standard clock, so they are measured in real time only. Delays between
//! attempts begin at 20 ms wherever the default of a second would leave no time for a second attempt.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use do_over::error::DoOverError;
use do_over::policy::Policy as _;
use do_over::wrap::Wrap;
use failsafe::futures::CircuitBreaker as _;
use layered::{Execute, Service as _, Stack as _};
use rskit_errors::AppError;
use seatbelt::{RecoveryInfo, ResilienceContext};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::retry::budget::{Budget as _, TpsBudget};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt as _, service_fn};

use seawall_rehearse::{Calling, Client, Request, Stack};

/// The whole call, as in the scenario files.
const DEADLINE: Duration = Duration::from_millis(500);
/// One attempt of it.
const ATTEMPT: Duration = Duration::from_millis(100);
const ATTEMPTS: u32 = 3;
const DELAY: Duration = Duration::from_millis(20);

/// A name, and what makes a client of the stack.
type Named = (&'static str, fn() -> Peer);

/// All of them, in the order of the table.
pub(crate) fn stacks() -> Vec<Stack> {
    let all: [Named; 9] = [
        ("tower (budget, limit of 30; no breaker exists)", tower),
        ("tower-resilience", tower_resilience),
        ("seatbelt", seatbelt),
        ("failsafe + backon", failsafe),
        ("recloser + backon", recloser),
        ("recloser + backon, tuned, semaphore of 30", tuned),
        ("rskit", rskit),
        ("resilient", resilient),
        ("do-over", do_over),
    ];
    all.map(|(name, make)| Stack::new(name, move |_| make())).into()
}

/// The request failed.
#[derive(Clone, Copy, Debug)]
struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request failed")
    }
}

impl std::error::Error for Failed {}

/// A client of another library.
struct Peer(Box<dyn Fn(Request) -> Calling>);

impl Client for Peer {
    fn call(&self, request: Request) -> Calling {
        (self.0)(request)
    }
}

async fn send(request: Request) -> Result<(), Failed> {
    if request.send().await.is_done() { Ok(()) } else { Err(Failed) }
}

/// A client that makes each call by `call`.
fn client<Fut>(call: impl Fn(Request) -> Fut + 'static) -> Peer
where
    Fut: Future<Output = bool> + 'static,
{
    Peer(Box::new(move |request| -> Calling {
        let calling = call(request);
        Box::pin(async move { timeout(DEADLINE, calling).await.unwrap_or(false) })
    }))
}

/// A client of a tower service, which is cloned for each call.
fn service<S>(service: S) -> Peer
where
    S: Service<Request> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    S::Response: Send,
{
    let service = Mutex::new(service);
    client(move |request| {
        let service = service.lock().unwrap_or_else(PoisonError::into_inner).clone();
        async move { service.oneshot(request).await.is_ok() }
    })
}

async fn attempt(request: Request) -> Result<(), Failed> {
    timeout(ATTEMPT, send(request)).await.unwrap_or(Err(Failed))
}

fn delays() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(DELAY)
        .with_max_times(ATTEMPTS as usize - 1)
        .with_jitter()
}

fn tower() -> Peer {
    service(
        ServiceBuilder::new()
            .concurrency_limit(30)
            .retry(Budgeted { left: ATTEMPTS, budget: Arc::new(TpsBudget::default()) })
            .timeout(ATTEMPT)
            .service(service_fn(send)),
    )
}

/// A policy as the documentation of its budget shows it.
#[derive(Clone)]
struct Budgeted {
    left: u32,
    budget: Arc<TpsBudget>,
}

impl tower::retry::Policy<Request, (), BoxError> for Budgeted {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request,
        result: &mut Result<(), BoxError>,
    ) -> Option<Self::Future> {
        if result.is_ok() {
            self.budget.deposit();
            return None;
        }
        self.left -= 1;
        (self.left > 0 && self.budget.withdraw()).then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

type Limited = tower_resilience_timelimiter::TimeLimiterError<Failed>;
type Broken = tower_resilience_circuitbreaker::CircuitBreakerError<Limited>;

fn tower_resilience() -> Peer {
    service(
        ServiceBuilder::new()
            .layer(
                tower_resilience_retry::RetryLayer::<Request, (), Broken>::builder()
                    .max_attempts(ATTEMPTS as usize)
                    .exponential_backoff(DELAY)
                    .build(),
            )
            .layer(
                tower_resilience_circuitbreaker::CircuitBreakerLayer::builder()
                    .build()
                    .expect("a valid breaker"),
            )
            .layer(
                tower_resilience_timelimiter::TimeLimiterLayer::builder()
                    .timeout_duration(ATTEMPT)
                    .cancel_running_future(true)
                    .build(),
            )
            .service(service_fn(send)),
    )
}

fn seatbelt() -> Peer {
    let clock = tick::Clock::new_tokio();
    let context = ResilienceContext::<Request, Result<(), Failed>>::new(&clock).name("yardstick");
    let recovery = |result: &Result<(), Failed>| match result {
        Ok(()) => RecoveryInfo::never(),
        Err(Failed) => RecoveryInfo::retry(),
    };
    let service = (
        seatbelt::retry::Retry::layer("retry", &context)
            .clone_input()
            .recovery_with(move |result, _| recovery(result))
            .base_delay(DELAY)
            .max_retry_attempts(ATTEMPTS - 1),
        seatbelt::breaker::Breaker::layer("breaker", &context)
            .recovery_with(move |result, _| recovery(result))
            .rejected_input_error(|_, _| Failed),
        seatbelt::timeout::Timeout::layer("timeout", &context)
            .timeout_error(|_| Failed)
            .timeout(ATTEMPT),
        Execute::new(send),
    )
        .into_service();
    let service = Arc::new(service);
    client(move |request| {
        let service = Arc::clone(&service);
        async move { service.execute(request).await.is_ok() }
    })
}

fn failsafe() -> Peer {
    let breaker = failsafe::Config::new().build();
    client(move |request| {
        let breaker = breaker.clone();
        async move { (|| breaker.call(attempt(request.clone()))).retry(delays()).await.is_ok() }
    })
}

fn recloser() -> Peer {
    by_hand(recloser::Recloser::default(), Semaphore::MAX_PERMITS)
}

/// Open for 200 ms, half-open for five calls, in a semaphore.
fn tuned() -> Peer {
    let breaker =
        recloser::Recloser::custom().half_open_len(5).open_wait(Duration::from_millis(200)).build();
    by_hand(breaker, 30)
}

fn by_hand(breaker: recloser::Recloser, places: usize) -> Peer {
    let breaker = recloser::AsyncRecloser::from(breaker);
    let places = Arc::new(Semaphore::new(places));
    client(move |request| {
        let (breaker, places) = (breaker.clone(), Arc::clone(&places));
        async move {
            let calls = || {
                let (request, places) = (request.clone(), Arc::clone(&places));
                breaker.call(async move {
                    let _place = places.try_acquire_owned().map_err(|_| Failed)?;
                    attempt(request).await
                })
            };
            calls.retry(delays()).await.is_ok()
        }
    })
}

fn rskit() -> Peer {
    let retry = rskit_resilience::RetryPolicy::new()
        .with_max_attempts(ATTEMPTS as usize)
        .with_initial_backoff(DELAY)
        .with_retry_if(|_| true);
    let policy = rskit_resilience::Policy::new()
        .with_retry(retry)
        .with_circuit_breaker(rskit_resilience::CbConfig::new("yardstick"))
        .expect("a valid breaker");
    client(move |request| {
        let policy = policy.clone();
        async move {
            let call = || async { attempt(request.clone()).await.map_err(AppError::internal) };
            policy.execute(call).await.is_ok()
        }
    })
}

fn resilient() -> Peer {
    let pipeline = resilient::pipeline::Pipeline::new()
        .with_retry(
            resilient::RetryPolicy::default()
                .with_max_retries(ATTEMPTS as usize - 1)
                .with_min_delay(DELAY),
        )
        .with_circuit_breaker(resilient::BreakerPolicy::default());
    let pipeline = Arc::new(pipeline);
    client(move |request| {
        let pipeline = Arc::clone(&pipeline);
        async move {
            let call = || async { attempt(request.clone()).await.map_err(BoxError::from) };
            pipeline.run(call).await.is_ok()
        }
    })
}

fn do_over() -> Peer {
    let policy = Arc::new(Wrap::new(
        do_over::retry::RetryPolicy::exponential(ATTEMPTS as usize - 1, DELAY, 2.0),
        Wrap::new(
            do_over::circuit_breaker::CircuitBreaker::new(5, Duration::from_secs(30)),
            do_over::timeout::TimeoutPolicy::new(ATTEMPT),
        ),
    ));
    client(move |request| {
        let policy = Arc::clone(&policy);
        async move {
            let call = || async { send(request.clone()).await.map_err(DoOverError::Inner) };
            policy.execute(call).await.is_ok()
        }
    })
}
