//! Graceful shutdown that reports what it left behind.
//!
//! # What
//!
//! A [`Shutdown`] coordinates the end of a process, or of a part of it. A signal, a call or a
//! failure [triggers](Shutdown::trigger) it; it then goes through ordered phases: readiness off,
//! drain delay, stop intake, drain, flush, close. All of it shares one grace period. In the end a
//! [`Report`] says what ran, how long it took, and what was left behind, by name.
//!
//! # Why
//!
//! Telling tasks to stop is easy: a token and a tracker do that. What goes wrong is the rest. A
//! listener closes before the balancer has noticed; one step that hangs eats the time in which the
//! log was to be flushed; a blocked thread keeps the process until it is killed; and nobody knows
//! afterwards what it was. Here every step has its own time, what must run keeps a slice of the
//! grace period, nothing holds up the end, and the end is accounted for.
//!
//! # Quick start
//!
//! ```
//! use std::time::Duration;
//! use seawall_shutdown::{Phase, Shutdown, Signal, Step};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // First of all, so that a signal during the start is not lost.
//!     let shutdown = Shutdown::builder()
//!         .name("orders")
//!         .grace_period(Duration::from_secs(25))
//!         .signals(Signal::TERMINATION)
//!         .step(Phase::FLUSH, Step::new("metrics", async || { /* push */ }))
//!         .step(Phase::CLOSE, Step::new("database", async || Ok::<_, std::io::Error>(())))
//!         .build()?;
//!
//!     // Work that is waited for, and told when to stop.
//!     shutdown.spawn("consumer", |stop| async move {
//!         while !stop.is_cancelled() {
//!             // take a message, work on it
//!             # break
//!         }
//!     })?;
//!
//!     # shutdown.trigger("the end of the example");
//!     let report = shutdown.run().await;
//!     println!("{report}");
//!     # assert!(report.is_clean());
//!     # return Ok(());
//!     # #[allow(unreachable_code)]
//!     std::process::exit(report.exit_code().into())
//! }
//! ```
//!
//! # States
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> Running
//!     Running --> Readiness: trigger (signal, call, critical task, vitality token)
//!     state "readiness off" as Readiness
//!     state "drain delay" as Delay
//!     state "stop intake" as Intake
//!     Readiness --> Delay
//!     Delay --> Intake: delay over, or nobody watches readiness
//!     Intake --> Drain: intake token cancelled, in-flight guards refused
//!     Drain --> Flush: nothing in flight, no task left; or time used up, tasks aborted
//!     Flush --> Close
//!     Close --> Over: report
//!     Readiness --> Over: forced (second signal, call)
//!     Delay --> Over: forced
//!     Intake --> Over: forced
//!     Drain --> Over: forced
//!     Flush --> Over: forced
//!     Over --> [*]
//! ```
//!
//! Within a phase everything runs at once; a phase begins when the one before has ended or used up
//! its time. [Phases of your own](ShutdownBuilder::phases) replace the default ones, and
//! [`Step::after`] orders steps within a phase: with one phase only that is a dependency graph. A
//! cycle is refused by [`build`](ShutdownBuilder::build).
//!
//! # How time is shared out
//!
//! With `T` the trigger and `G` the grace period, a phase may last until
//!
//! ```text
//! min(its beginning + its own limit, T + G − the reserves of all phases after it)
//! ```
//!
//! and a step until `min(its beginning + its own limit, end of its phase − the longest chain of
//! reserves behind it)`. So a reserve is there for whoever has it, even if everything before it
//! hung, and the whole never takes longer than the grace period. Reserves that are longer than
//! the grace period in all are refused by `build`.
//!
//! # Three tokens
//!
//! | token | cancelled | for |
//! |---|---|---|
//! | [`token`](Shutdown::token) | at the trigger | what should stop at once: sleepers, pollers, batch work |
//! | [`intake_token`](Shutdown::intake_token) | when intake stops, after the drain delay | accept loops, consumers, pipelines; tracked tasks get this one |
//! | [`abort_token`](Shutdown::abort_token) | when the time for draining is over, or the end is forced | the last call before tasks are aborted |
//!
//! The first works without anybody to [`run`](Shutdown::run) the shutdown; the others are part of
//! its phases.
//!
//! # Defaults
//!
//! | what | default | why |
//! |---|---|---|
//! | [grace period](ShutdownBuilder::grace_period) | 25 s | orchestrators kill 30 s after they ask |
//! | [drain delay](ShutdownBuilder::drain_delay) | a fifth of the grace period (5 s) if readiness was ever asked for, else none | balancers that probe every other second notice in that time; where nobody looks nobody can |
//! | reserve of `drain` | 30 % of what fixed reserves leave | a listener that does not close costs no request its answer |
//! | reserve of `flush`, if it has a step | 20 % | lost data is worse than a request that is cut off |
//! | reserve of `close`, if it has a step | 10 % | peers are told that we go: a round trip or two |
//! | limit of a step | its phase's | |
//! | [signals](ShutdownBuilder::signals) | none | a library must not take a process's signals unasked |
//! | workers, queue of a [pool](WorkerPool) | 4, 1,024 | a few jobs at once suit work that waits; a queue that a drain can finish |
//!
//! # Jobs in a pool
//!
//! A [`WorkerPool`] is for work that nobody waits for: mails, thumbnails, uploads. A fixed number of
//! workers takes jobs from a bounded queue; [`submit`](WorkerPool::submit) queues a job or hands it
//! back, and never waits. When intake stops, new jobs are refused and the drain finishes what is
//! queued; what it does not get to is [taken back](WorkerPool::take_queued) and can be written down.
//! A job that panics costs itself and no worker. [`counts`](WorkerPool::counts) accounts for every
//! job. The facade's [front page](https://docs.rs/seawall) has one beside a pipeline.
//!
//! # Getting out, whatever blocks
//!
//! Signals are heard and deadlines kept on a thread of the coordinator's own, so both work while
//! every worker thread is busy. Two things they can't do by themselves:
//!
//! - [`run`](Shutdown::run) has to be *polled*: await it in `#[tokio::main]` or `block_on` of a
//!   multi-threaded runtime, whose own thread it then is, not in a spawned task.
//! - The runtime has to be *left*: dropping a runtime waits for blocking threads and busy workers,
//!   for ever if need be. End the process with `std::process::exit(report.exit_code().into())`,
//!   or use [`Runtime::shutdown_background`](tokio::runtime::Runtime::shutdown_background).
//!   Nothing in here ever exits the process by itself.
//!
//! [`supervise`](Shutdown::supervise) does both, and also gets out of a current-thread runtime
//! whose only thread is blocked: it keeps the calling thread outside the runtime.
//!
//! # Telemetry
//!
//! Each phase that begins is an [`Event`](seawall_core::Event) with
//! [`EventKind::Phase`](seawall_core::EventKind::Phase) to the [listeners](ShutdownBuilder::listeners); a
//! refusal by a [`ShutdownGate`] is [`EventKind::Rejected`](seawall_core::EventKind::Rejected). The rest is
//! in the report: `Display` for logs, `serde` as a feature, [`exit_code`](Report::exit_code) for
//! the process. [`readiness`](Shutdown::readiness) and [`liveness`](Shutdown::liveness) are for
//! probes.
//!
//! # Traps
//!
//! - **Dropping the coordinator** without running it is harmless: steps are dropped, tokens are
//!   not cancelled, tasks go on. But signal handlers stay installed, as the platform offers no
//!   safe way back: from then on, and also after the end of the shutdown, these signals are
//!   ignored.
//! - **Blocking work can't be cancelled.** It is named in the report and left to the end of the
//!   process. Async work is cancelled at its next await, and not before.
//! - **A pipeline that refuses at the trigger** also refuses the requests that are still served
//!   during the drain delay, and those in flight that have calls of their own to make. Give
//!   pipelines at the edge the coordinator or the intake token, and those behind requests in
//!   flight the [`abort_token`](Shutdown::abort_token).
//! - **The grace period begins at the trigger** if somebody runs the shutdown by then, else when
//!   it is run: a signal before the start does not use it up.
//! - **A paused clock**, in tests, stands still while a blocking step runs.
//! - **A vitality token that is moved into a task** is dropped with it, also when the task ends
//!   as it should: [release](VitalityToken::release) it then.
//! - On a platform without the signal (SIGTERM on Windows) it is left out without a word, so that
//!   [`Signal::TERMINATION`] fits everywhere.
//!
//! # When not to use it
//!
//! A program that has nothing to finish needs none: the default action of a signal ends it
//! at once. Where tasks only have to be told and joined, tokio-util's `CancellationToken` and
//! `TaskTracker` do that and nothing more; this crate is for the order, the deadlines and the
//! account. Restarting what failed is a supervisor's business, not a shutdown's.

mod config;
mod critical;
mod drive;
mod gate;
mod in_flight;
mod liveness;
mod machine;
mod outcome;
mod phase;
mod plan;
mod pool;
mod readiness;
mod reason;
mod refused;
mod report;
mod shutdown;
mod shutdown_gate;
mod step;
mod subsystem;
mod supervise;
mod sync;
mod tasks;
mod trigger;
mod waiting;
mod watch;

pub use config::{DEFAULT_GRACE_PERIOD, DRAIN_DELAY_PERCENT, ShutdownBuilder};
pub use critical::VitalityToken;
pub use in_flight::{Drained, InFlight, InFlightGuard, OwnedInFlightGuard};
pub use liveness::{Heartbeat, Liveness, Stalled};
pub use outcome::{Outcome, StepOutput};
pub use phase::Phase;
pub use pool::{
    DEFAULT_QUEUE, DEFAULT_WORKERS, PoolCounts, SubmitError, WorkerPool, WorkerPoolBuilder,
};
pub use readiness::Readiness;
pub use reason::{ShutdownReason, Signal};
pub use refused::{RegisterError, ShuttingDown};
pub use report::{FailedTask, LeftBehind, LeftBehindKind, PhaseReport, Report, StepReport};
pub use shutdown::Shutdown;
pub use shutdown_gate::{ShutdownGate, ShutdownGateBuilder, ShutdownGateCall, ShutdownGateFuture};
pub use step::Step;
pub use subsystem::OnFailure;
pub use tasks::TaskCounts;
