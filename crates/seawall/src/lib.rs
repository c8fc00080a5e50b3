//! seawall keeps a call alive while its dependency is not: it is retried within a budget, cut off
//! in time, refused while the dependency is down, contained when it panics, drained when the
//! process stops.
//!
//! ```
//! use seawall::Pipeline;
//!
//! # async fn fetch_stock() -> Result<u32, std::io::Error> { Ok(42) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pipeline = Pipeline::standard("inventory").idempotent().build()?;
//!
//! let stock = pipeline.call(|| fetch_stock()).await?;
//! # assert_eq!(stock, 42);
//! # Ok(())
//! # }
//! ```
//!
//! That is a timeout around [congestion control](seawall_limit::congestion) around a panic guard. The
//! deadline is all that it has to be given: what can be answered in time is sent, what was lost is
//! repeated, and the rest waits. Each can be changed or [left out](StandardBuilder). Ask the pipeline what it is:
//!
//! ```
//! # fn main() -> Result<(), seawall::ConfigError> {
//! # let pipeline = seawall::Pipeline::standard("inventory").idempotent().build()?;
//! println!("{}", pipeline.describe());
//! # Ok(())
//! # }
//! ```
//!
//! # Putting policies together
//!
//! [`Pipeline::builder`] takes policies in any order, the first one outermost. A policy is given
//! as its builder or as a handle that other pipelines share:
//!
//! ```
//! use std::time::Duration;
//! use seawall::{Breaker, Pipeline, Retry};
//!
//! # fn main() -> Result<(), seawall::ConfigError> {
//! let breaker = Breaker::builder().name("warehouse").build()?;
//! let reads = Pipeline::builder("reads")
//!     .timeout(Duration::from_secs(2))
//!     .retry(Retry::builder().idempotent())
//!     .breaker(breaker.clone())
//!     .attempt_timeout(Duration::from_millis(500))
//!     .guard_panics()
//!     .build()?;
//! let writes = Pipeline::builder("writes")
//!     .timeout(Duration::from_secs(5))
//!     .breaker(breaker)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! The methods for a bulkhead and a timeout take a number and a time; a handle of any policy goes in by
//! [`layer`](PipelineBuilder::layer). Clone a handle to share it: clones are one policy. Behind an `Arc` or a
//! reference it works, too, but its events go to its own listeners only.
//!
//! # What is questionable
//!
//! Layers compose in any order, and some orders can't be meant; so can't some numbers. Rules over the
//! pipeline's own description find them: [`Pipeline::findings`]. What is an error is refused by
//! `build()`, the rest is shown by `describe()`, each with what to do.
//!
//! | rule | finds | |
//! |---|---|---|
//! | `order/attempt-timeout-outside-retry` | it cuts off all attempts together | error |
//! | `order/attempt-timeout-outside-breaker` | an attempt that is cut off is no failure to the breaker, unless it counts [abandoned](breaker::Abandoned) calls or has a timeout inside | error |
//! | `order/limit-outside-attempt-timeout` | an adaptive limit that does not know how long an attempt may take | error |
//! | `order/fallback-inside-retry`, `-inside-breaker` | a fallback for failures hides them from both | error |
//! | `order/chaos-not-innermost`, `order/panics-without-guard` | faults that policies don't meet, or that nothing catches | error |
//! | `order/breaker-outside-retry` | a call counts once, whatever its attempts met | warning |
//! | `order/limit-outside-retry` | a call holds its place while it waits | warning |
//! | `order/panic-guard-outermost` | panics pass through breaker and limit uncounted | warning |
//! | `order/rate-limit-inside-retry` | retries use up the rate | info |
//! | `sum/attempt-not-below-total` | an attempt has as much time as the whole call | error |
//! | `sum/heavier-than-limit` | a call of a bulkhead can never start | error |
//! | `sum/attempts-do-not-fit` | attempts and the least that is waited between them are longer than the timeout | warning |
//! | `sum/amplification` | two layers that repeat make more than five requests of a call | warning |
//! | `sum/open-longer-than-timeout` | an open circuit that lasts longer than ten calls may | warning |
//! | `sum/queue-longer-than-timeout` | places go to calls that have no time left | warning |
//! | `retry/no-budget`, `retry/no-attempt-timeout` | a storm, a black hole | warning |
//! | `retry/not-idempotent` | nobody said `idempotent()` yet: only what was certainly not carried out is repeated | info |
//! | `breaker/window-too-small`, `limit/below-expected-load` | what an [`ExpectedLoad`] does not fit into | warning |
//! | `share/budget-of-many` | pipelines of very different loads share a budget: [`Registry::findings`] | info |
//!
//! # What comes back
//!
//! [`Error<E>`](Error), whichever policies were around: the operation's own error, timed out,
//! rejected, panicked, cancelled, or given up after a number of attempts. The operation's `E` is
//! always within reach by [`Error::operation`] and [`Error::into_operation`].
//! [`Error::is_timeout`] asks whether time ran out, whichever policy noticed, and [`Error::time_limit`] whose
//! limit it was.
//!
//! It goes into an `anyhow::Error`, a box or an enum of thiserror by `?`, and by
//! `.map_err(Error::boxed)?` where the operation's own error is an `anyhow::Error`, a box or a
//! `String`. `downcast_ref::<seawall::Error>()` finds it again, with its class.
//!
//! # What an outcome means
//!
//! [`classify`](PipelineBuilder::classify) decides once, for all policies, what an outcome of the
//! operation means: transient, overloaded, permanent, ignored. Without it every error is
//! transient, and every `Ok` a success. Mostly it looks at errors:
//!
//! ```
//! use seawall::{Class, Pipeline};
//!
//! enum ApiError {
//!     NotFound,
//!     Busy { retry_after: std::time::Duration },
//!     Io(std::io::Error),
//! }
//!
//! # fn main() -> Result<(), seawall::ConfigError> {
//! let pipeline = Pipeline::standard("inventory")
//!     .idempotent()
//!     .classify(|error: &ApiError| match error {
//!         ApiError::NotFound => Class::Permanent,
//!         ApiError::Busy { retry_after } => {
//!             Class::Overloaded { retry_after: Some(*retry_after) }
//!         }
//!         ApiError::Io(_) => Class::Transient,
//!     })
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! Many clients of HTTP give an `Ok` for each answer, a 503 too. [`ByOutcome`] sees both. An `Ok` that is
//! called a failure is counted by all policies and repeated like one, and the caller gets it back as the
//! `Ok` that it is when no attempt does better:
//!
//! ```
//! use seawall::{ByOutcome, Class, Pipeline};
//!
//! # struct Response(u16);
//! # impl Response { fn status(&self) -> u16 { self.0 } }
//! # type HttpError = std::io::Error;
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pipeline = Pipeline::standard("inventory")
//!     .idempotent()
//!     .classify(ByOutcome(|outcome: Result<&Response, &HttpError>| match outcome {
//!         Ok(response) if response.status() >= 500 => Class::Transient,
//!         Ok(_) => Class::Success,
//!         Err(_) => Class::Transient,
//!     }))
//!     .build()?;
//! let mut sent = 0;
//! let answer = pipeline.call(|| {
//!     sent += 1;
//!     async { Ok(Response(503)) }
//! });
//! assert_eq!(answer.await?.status(), 503);
//! assert_eq!(sent, 3);
//! # Ok(())
//! # }
//! ```
//!
//! For answers over HTTP, whatever the client:
//!
//! | answer | class | as |
//! |---|---|---|
//! | no answer, 408, 500, 502, 504 | transient | the next attempt may reach another server |
//! | no connection: connect, DNS or TLS failed | transient, not carried out | nothing was sent |
//! | 421, 425 | transient, not carried out | the server says so |
//! | 429, 503 | overloaded, with its `Retry-After` | asked again too soon, it would be worse; a proxy says it, too, of a server that is still at work |
//! | any other 4xx | permanent | asking again changes nothing, and the server is well |
//!
//! # What may be repeated
//!
//! Whether a failed operation may have been carried out is a fact apart from its class. A classifier says that
//! it certainly was not by [`Class::not_carried_out`]; refusals by our own policies never were. A call
//! has three grades:
//!
//! | a call | repeated is |
//! |---|---|
//! | [`idempotent(true)`](Lazy::idempotent), or the pipeline says so | any failure that may pass |
//! | nothing said | only what was certainly not carried out |
//! | `idempotent(false)` | nothing |
//!
//! [`Error::carried_out`] tells the caller what is known of a call that failed.
//!
//! [`retry::parse_retry_after`] reads that header. A retry and a breaker wait at least as long as an
//! `Overloaded` asks, each up to a limit of its own. The example `http_service` of the repository
//! has all of this around `reqwest`, and the way back: which status a refusal is to a service's own
//! callers.
//!
//! # Naming a pipeline
//!
//! A pipeline is built once and kept, mostly in a field. The standard one has a name,
//! [`StandardPipeline`]; with a classifier the classifier is part of it. A closure has no name, so
//! give a type that implements [`Classify`], which costs nothing, or a function pointer:
//!
//! ```
//! use std::io;
//! use seawall::{
//!     BoxPipeline, Class, Classify, ConfigError, Pipeline, Retry, StandardPipeline, Verdict,
//! };
//!
//! struct IoErrors;
//!
//! impl<T> Classify<T, io::Error> for IoErrors {
//!     type Failure = io::Error; // Only errors are failures.
//!
//!     fn classify(&self, outcome: Result<&T, &io::Error>) -> Verdict {
//!         outcome.map_or_else(class_of, |_| Class::Success).into()
//!     }
//! }
//!
//! fn class_of(error: &io::Error) -> Class {
//!     match error.kind() {
//!         io::ErrorKind::NotFound => Class::Permanent,
//!         _ => Class::Transient,
//!     }
//! }
//!
//! struct Inventory {
//!     stock: StandardPipeline<IoErrors>,
//!     orders: StandardPipeline<fn(&io::Error) -> Class>,
//!     prices: BoxPipeline<u32, io::Error>,
//! }
//!
//! impl Inventory {
//!     fn new() -> Result<Self, ConfigError> {
//!         let retry = Retry::builder().idempotent();
//!         Ok(Self {
//!             stock: Pipeline::standard("stock").classify(IoErrors).build()?,
//!             // Without `as` the type would be that of this one function.
//!             orders: Pipeline::standard("orders").classify(class_of as fn(&_) -> _).build()?,
//!             prices: Pipeline::builder("prices").retry(retry).classify(class_of).build()?.boxed(),
//!         })
//!     }
//! }
//! # assert_eq!(Inventory::new()?.stock.name().as_str(), "stock");
//! # Ok::<_, ConfigError>(())
//! ```
//!
//! [`boxed`](Pipeline::boxed) hides any layers and any classifier, for one result and one error
//! type and at the price of a few allocations a call. A library whose methods have results of several
//! types keeps an [`ErasedPipeline<E>`](ErasedPipeline), from [`erased`](Pipeline::erased). One that lets
//! its user choose the layers is generic over its pipeline, with [`AnyPipeline<T, E>`](AnyPipeline) for a
//! bound. All of them are `Clone`, as a state of axum
//! has to be, where the classifier is; clones share circuit, budget and limits.
//!
//! # Options of one call
//!
//! A service often knows by when its caller wants the answer.
//! [`deadline`](Lazy::deadline) hands that to one call:
//! the timeouts cut it off then, the retry begins nothing that would be late, and the operation sees
//! what is left, to send it on.
//!
//! ```
//! use std::time::Duration;
//! use seawall::{Deadline, Pipeline};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pipeline = Pipeline::standard("inventory").idempotent().build()?;
//! // A request came in with the header `grpc-timeout: 500m`; we work for two seconds at most.
//! let deadline = Deadline::from_wire("500m", Duration::from_secs(2))?;
//!
//! let call = pipeline.call_with(async |attempt| {
//!     let header = Deadline::of(&attempt).to_wire(); // for the next service
//!     assert_eq!(header.as_deref(), Some("500000u"));
//!     std::future::pending::<Result<(), std::io::Error>>().await
//! });
//! let error = call.deadline(deadline).await.unwrap_err();
//! assert!(error.is_timeout());
//! # assert!(deadline.has_passed());
//! # Ok(())
//! # }
//! ```
//!
//! In the same way one call of many is said to be safe to repeat, or not to be:
//! `pipeline.call(..).idempotent(true)`. Both are there on the calls of a [`BoxPipeline`], too.
//!
//! # Blocking code
//!
//! [`call_blocking`](Pipeline::call_blocking) runs a closure on the caller's thread, without a runtime,
//! through the same policies: what is repeated and refused, counted and reported is the same, and so
//! is the error. The thread sleeps between attempts. Nothing interrupts an attempt, so timeouts are
//! looked at between them: give the client that blocks a timeout of its own.
//!
//! ```
//! use std::time::Duration;
//! use seawall::{Breaker, Class, Pipeline, Retry};
//!
//! enum DbError {
//!     NoSuchRow,
//!     ConnectionLost,
//! }
//!
//! # fn query() -> Result<u32, DbError> { Err(DbError::NoSuchRow) }
//! # fn main() -> Result<(), seawall::ConfigError> {
//! let rows = Pipeline::builder("rows")
//!     .timeout(Duration::from_secs(5))
//!     .retry(Retry::builder().idempotent())
//!     .breaker(Breaker::builder())
//!     .attempt_timeout(Duration::from_secs(1))
//!     .classify(|error: &DbError| match error {
//!         DbError::NoSuchRow => Class::Permanent,
//!         DbError::ConnectionLost => Class::Transient,
//!     })
//!     .build()?;
//!
//! // Asked once: the database answered.
//! let error = rows.call_blocking(|| query()).map(drop).unwrap_err();
//! assert_eq!(error.class(), Class::Permanent);
//! # Ok(())
//! # }
//! ```
//!
//! A hedge, which has two attempts under way at once, does not compile there. Options of one call come
//! with [`Lazy::block`]: `rows.call(async || query()).idempotent(false).block()`.
//!
//! # Watching it and working it by hand
//!
//! A handle that is given to a pipeline is the same policy outside of it: keep a clone of the
//! [`Breaker`], ask it for its state, [force it open](Breaker::force_open), [reset](Breaker::reset)
//! it. The standard pipeline hands out those that it made itself:
//! [`congestion_control`](StandardPipeline::congestion_control), and a
//! [`breaker`](StandardPipeline::breaker) if it has one.
//!
//! ```
//! use seawall::Pipeline;
//!
//! # fn main() -> Result<(), seawall::ConfigError> {
//! let pipeline = Pipeline::standard("inventory").idempotent().build()?;
//! if let Some(control) = pipeline.congestion_control() {
//!     assert!(!control.snapshot().down);
//!     assert_eq!(control.snapshot().in_flight, 0);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What the policies do is one stream of [events](Event), for logs, metrics and consoles alike. An
//! event has the policy's name and kind, and the [kind](EventKind) of what happened: in words by
//! `Display`, and as a label by [`EventKind::as_str`]:
//!
//! ```
//! use seawall::{Event, Pipeline};
//!
//! # fn main() -> Result<(), seawall::ConfigError> {
//! let pipeline = Pipeline::standard("inventory")
//!     .listener(|event: &Event| eprintln!("{event}"))
//!     .listener(|event: &Event| {
//!         count(&[event.policy.as_str(), event.policy_kind.as_str(), event.kind.as_str()]);
//!     })
//!     .build()?;
//! # fn count(_: &[&str]) {}
//! # Ok(())
//! # }
//! ```
//!
//! # One for each host or tenant
//!
//! [`breaker::KeyedBreaker`], [`limit::KeyedRateLimit`], [`limit::KeyedThrottle`] and
//! [`retry::KeyedBudget`] keep one for each key, made on first use and bounded in number. What is
//! the key's goes into a pipeline that is built for the call; what is everybody's is built once:
//!
//! ```
//! use seawall::breaker::KeyedBreaker;
//! use seawall::limit::KeyedRateLimit;
//! use seawall::{Breaker, ConfigError, Pipeline, RateLimit, Retry};
//!
//! struct Client {
//!     retry: Retry,
//!     hosts: KeyedBreaker<String>,
//!     tenants: KeyedRateLimit<String>,
//! }
//!
//! impl Client {
//!     fn new() -> Result<Self, ConfigError> {
//!         Ok(Self {
//!             retry: Retry::builder().idempotent().build()?,
//!             hosts: KeyedBreaker::new(Breaker::builder().name("hosts"), 1_000)?,
//!             tenants: KeyedRateLimit::new(
//!                 RateLimit::builder().name("tenants").per_second(10),
//!                 10_000,
//!             )?,
//!         })
//!     }
//!
//!     async fn get(&self, tenant: &str, host: &str) -> Result<u32, Box<dyn std::error::Error>> {
//!         let pipeline = Pipeline::builder(host)
//!             .rate_limit(self.tenants.get(tenant))
//!             .retry(self.retry.clone())
//!             .breaker(self.hosts.get(host))
//!             .build()?;
//!         Ok(pipeline.call(|| fetch(host)).await?)
//!     }
//! }
//! # async fn fetch(_: &str) -> Result<u32, std::io::Error> { Ok(42) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # assert_eq!(Client::new()?.get("acme", "db-1").await?, 42);
//! # Ok(())
//! # }
//! ```
//!
//! # When the process stops
//!
//! A pipeline that knows the [`Shutdown`] refuses new calls once intake has stopped, and is waited
//! for while it drains; so are the jobs of a [`WorkerPool`](shutdown::WorkerPool).
//!
//! ```
//! use seawall::shutdown::{Signal, WorkerPool};
//! use seawall::{Pipeline, Shutdown};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let shutdown = Shutdown::builder().name("shop").signals(Signal::TERMINATION).build()?;
//!     let pipeline = Pipeline::standard("inventory").shutdown(&shutdown).build()?;
//!     let mails = WorkerPool::builder().name("mails").start(&shutdown, |to: String| async move {
//!         println!("mail to {to}");
//!     })?;
//!
//!     pipeline.call(async || Ok::<_, std::io::Error>(42)).await?;
//!     mails.submit("a@example.org".to_owned())?;
//!
//!     # shutdown.trigger("the end of the example");
//!     // Until a signal comes, and everything is finished or its time is over.
//!     let report = shutdown.run().await;
//!     println!("{report}");
//!     # assert_eq!(mails.counts().finished, 1);
//!     # return Ok(());
//!     # #[allow(unreachable_code)]
//!     std::process::exit(report.exit_code().into())
//! }
//! ```
//!
//! # In tests
//!
//! Time is tokio's, so under `#[tokio::test(start_paused = true)]` no test waits. `seawall-testkit`
//! has operations that follow a script, a listener that keeps what it hears, and a driver that
//! drops a future at each of its awaits:
//!
//! ```
//! use std::time::Duration;
//! use seawall::{Pipeline, Retry};
//! use seawall_testkit::{Recorder, Script, Step};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let heard = Recorder::default();
//! let pipeline = Pipeline::builder("inventory")
//!     .retry(Retry::builder().idempotent())
//!     .attempt_timeout(Duration::from_secs(3))
//!     .listener(heard.clone())
//!     .build()?;
//!
//! let script = Script::new([Step::never(), Step::err("broken"), Step::ok(42)]);
//! assert_eq!(pipeline.call(|| script.run()).await.ok(), Some(42));
//! assert_eq!((script.started(), script.running()), (3, 0));
//! // One timeout, two retries.
//! assert_eq!(heard.events().len(), 3);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `capture` | [`capture`](https://docs.rs/seawall-capture), and `serde_json` with it |
//! | `serde` | [`breaker::Export`] can be written down and read, [`shutdown::Report`] written |
//!
//! None is on unless it is asked for. For more of capture (`http`, `smtp`, `templates`) depend on
//! `seawall-capture` too: its types are the same.
//!
//! # Without a pipeline
//!
//! Every policy works alone, around one future (`timeout.call(future)`) and, where it makes sense,
//! as a permit for code that is no future (`breaker.try_acquire()`).
//!
//! Around each other they belong into a pipeline, or into a [`Chain`](policy::Chain) with a
//! [classifier](PolicyExt::classify). In `retry.call(|| breaker.call(future))` the retry
//! takes whatever the breaker says for an error of the operation, and repeats what was refused;
//! where pipelines meet by chance, `.classify(|error: &Error<_>| error.class())` and
//! [`Error::flatten`] make one of the two.

// The READMEs' code compiles and runs as it is written.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct WorkspaceReadme;
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CrateReadme;

mod findings;
mod pipeline;
mod registry;

pub use findings::{ExpectedLoad, findings_of};
pub use pipeline::{
    AnyPipeline, BoxCall, BoxFuture, BoxPipeline, ErasedCall, ErasedPipeline, Gated, Omittable,
    Pipeline, PipelineBuilder, Standard, StandardBuilder, StandardPipeline,
};
pub use registry::{Registry, RegistryError};
pub use seawall_breaker::Breaker;
pub use seawall_core::{
    AllTransient, Attempt, Backoff, BoxedError, ByOutcome, Call, Called, CalledOnce, CalledWith,
    Cancelled, CarriedOut, Cause, CircuitState, Class, Classified, Classify, ConfigError,
    Description, Error, Event, EventKind, Evidence, Failed, Finding, FromAttemptFn, FromFn,
    FromFuture, GaveUp, Health, Jitter, Layer, LayerDescription, Lazy, Listener, ListenerId,
    ListenerIdentity, Listeners, Name, Operation, PanicReport, Panicked, Policy, PolicyExt,
    PolicyKind, Random, Reason, Rejection, Rule, Scope, Severity, StopReason, TimedOut, TimedOutBy,
    Transition, Verdict,
};
pub use seawall_guard::{Deadline, Fallback, PanicGuard, Timeout};
pub use seawall_limit::{
    AdaptiveLimit, Bulkhead, CongestionControl, RateLimit, Throttle, WhileDown,
};
pub use seawall_retry::{Budget, Hedge, Retry};
pub use seawall_shutdown::Shutdown;

// The names that an application uses stand in the root. A module has the rest of its crate, so that
// nothing stands in both; modules rather than crates under another name, so that the compiler's
// messages give paths that can be written.

/// Circuit breaker: [the chapter](seawall_breaker).
pub mod breaker {
    pub use seawall_breaker::{
        Abandoned, BreakerBuilder, Export, KeyedBreaker, OwnedPermit, Permit, Ramp, Settlement,
        Snapshot, Totals, WindowCounts, defaults, presets,
    };
}
/// Error capture, with records, fingerprints, a bounded store and digests: [the chapter](seawall_capture).
///
/// Around a pipeline it captures what callers get in the end; inside of it, what attempts fail of.
/// As a listener it tells the event of a breaker that opens what failed, so that the log says it:
///
/// ```
/// use seawall::capture::{Capture, MemoryStore};
/// use seawall::{Breaker, CircuitState, Event, Pipeline, EventKind};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::default();
/// let capture = Capture::builder().service("shop").store(store.clone()).build()?;
/// let inventory = Pipeline::builder("inventory")
///     .layer(capture.final_failures("inventory"))
///     .breaker(Breaker::builder().consecutive_failures(2))
///     .layer(capture.note_attempts("inventory"))
///     .listener(|event: &Event| {
///         if let EventKind::Transition(change) = &event.kind
///             && change.to == CircuitState::Open
///         {
///             // breaker 'inventory': closed → open: 2 failures in a row, limit 2;
///             // failed: 2× no route to <ip>; retry in 4.672s
///             assert_eq!(&*change.causes[0].description, "no route to <ip>");
///             println!("{event}");
///         }
///     })
///     .listener(capture.listener())
///     .build()?;
///
/// for _ in 0..2 {
///     let call = || async { Err::<(), _>(std::io::Error::other("no route to 10.0.0.1")) };
///     assert!(inventory.call(call).await.is_err());
/// }
/// // What two callers got, and the opening.
/// assert_eq!(store.totals().held, 3);
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "capture")]
pub mod capture {
    pub use seawall_capture::*;
}
/// For authors of policies: admission, wrapping, building, reporting, keys and inspection.
/// [The chapter](seawall_core::admission) has a whole policy.
pub mod policy {
    pub use seawall_core::operation::{
        BlockingAttempt, BlockingFn, FromBlockingFn, OfAttempt, Plain,
    };
    pub use seawall_core::{
        Admission, Admit, Admitted, AdmittedFuture, Alone, AnswerText, Caught, Chain, Check,
        Classed, Counted, Failure, Guarded, Identity, Inspect, InspectId, Keep, Keyed, Label,
        LayerContext, Layers, Measures, NoWait, OperationFuture, Optional, Order, OrderError,
        PolicyCall, PolicyFuture, Reporter, Settings, Settle, Setup, Timeline, Timer, Unobserved,
        WakerSlot, Wakers, block_on, catch, contain, inspect,
    };
}
/// Timeout, deadline, panic guard, fallback and supervised tasks: [the chapter](seawall_guard).
pub mod guard {
    pub use seawall_guard::{
        FallbackBuilder, PanicGuardBuilder, Supervisor, Tasks, TimeoutBuilder, deadline, fallback,
        panic_guard, task, timeout,
    };
}
/// Bulkhead, rate limits, adaptive concurrency and throttling: [the chapter](seawall_limit).
pub mod limit {
    pub use seawall_limit::{
        AdaptiveLimitBuilder, AdaptiveLimitSnapshot, Algorithm, BulkheadBuilder, BulkheadSnapshot,
        CongestionControlBuilder, CongestionSnapshot, KeyedRateLimit, KeyedThrottle, Priority,
        RateLimitBuilder, RateLimitSnapshot, StreamPermit, ThrottleBuilder, ThrottleSnapshot,
        adaptive, bulkhead, congestion, rate, throttle,
    };
}
/// Retry, backoff, budget and hedging: [the chapter](seawall_retry).
pub mod retry {
    pub use seawall_retry::{
        BudgetBuilder, BudgetPermit, BudgetSnapshot, CallInFlight, HedgeBuilder, HedgeCall,
        HedgeFuture, KeyedBudget, RetryBuilder, RetryCall, RetryFuture, Retryable, budget, hedge,
        parse_retry_after, retry,
    };
}
/// Graceful shutdown: [the chapter](seawall_shutdown).
pub mod shutdown {
    pub use seawall_shutdown::{
        CriticalGuard, DEFAULT_GRACE_PERIOD, DEFAULT_QUEUE, DEFAULT_WORKERS, DRAIN_DELAY_PERCENT,
        Drained, FailedTask, Heartbeat, InFlight, InFlightGuard, LeftBehind, LeftBehindKind,
        Liveness, OnFailure, Outcome, OwnedInFlightGuard, Phase, PhaseReport, PoolCounts,
        Readiness, RegisterError, Report, ShutdownBuilder, ShutdownGate, ShutdownGateBuilder,
        ShutdownReason, ShuttingDown, Signal, Stalled, Step, StepOutput, StepReport, SubmitError,
        TaskCounts, WorkerPool, WorkerPoolBuilder,
    };
}
