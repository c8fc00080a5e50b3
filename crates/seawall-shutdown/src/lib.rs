//! Graceful shutdown that reports what it left behind.
//!
//! # What
//!
//! A [`Shutdown`] coordinates the end of a process, or of a part of it. A signal, a call or a
//! failure [triggers](Shutdown::trigger) it; it then goes through ordered phases: readiness off,
//! drain delay, stop intake, drain, flush, close. All phases share one grace period. At the end a
//! [`Report`] says what ran, how long it took, and what was left behind, by name.
//!
//! # Why
//!
//! Stopping tasks is easy: a token and a tracker do that. The rest goes wrong. A listener closes
//! before the balancer has noticed; one step that hangs eats the time in which the log was to be
//! flushed; a blocked thread keeps the process until it is killed; and nobody knows afterwards
//! what it was. Here every step has its own time, a step that must run keeps a slice of the grace
//! period, nothing holds up the end, and the end is accounted for.
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
//!     // The drain waits for this task, and its token says when to stop.
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
#![doc = include_str!("states.svg")]
//!
//! The steps of a phase run at the same time; a phase begins when the one before it has ended or
//! used up its time. [Phases of your own](ShutdownBuilder::phases) replace the default ones, and
//! [`Step::after`] orders steps within a phase: with a single phase that is a dependency graph.
//! [`build`](ShutdownBuilder::build) refuses a cycle.
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
//! reserves behind it)`. So a reserve is kept even if everything before it hangs, and the whole
//! never takes longer than the grace period. [`build`](ShutdownBuilder::build) and
//! [`register`](Shutdown::register) refuse reserves that are longer than what is left of it.
//!
//! # Three tokens
//!
//! | token | cancelled | for |
//! |---|---|---|
//! | [`token`](Shutdown::token) | at the trigger | work that should stop at once: sleepers, pollers, batches |
//! | [`intake_token`](Shutdown::intake_token) | when intake stops, after the drain delay | accept loops, consumers, pipelines; tracked tasks get this one |
//! | [`abort_token`](Shutdown::abort_token) | when the time for draining is over, or the end is forced | work that can still save something before tasks are aborted |
//!
//! The first works even if nobody [runs](Shutdown::run) the shutdown; the others are part of its
//! phases.
//!
//! # Defaults
//!
//! | setting | default | why |
//! |---|---|---|
//! | [grace period](ShutdownBuilder::grace_period) | 25 s | orchestrators kill 30 s after they ask |
//! | [drain delay](ShutdownBuilder::drain_delay) | a fifth of the grace period (5 s) if readiness was ever asked for, else none | balancers that probe every other second notice in that time; where nobody looks nobody can |
//! | [drain delay after SIGINT](ShutdownBuilder::drain_delay_on) | none | ctrl-c comes from a terminal, where nothing balances |
//! | reserve of `drain` | 30 % of what fixed reserves leave | a listener that does not close costs no request its answer |
//! | reserve of `flush`, if it has a step | 20 % | lost data is worse than a request that is cut off |
//! | reserve of `close`, if it has a step | 10 % | saying goodbye to a peer takes a round trip or two |
//! | limit of a step | its phase's | a step may use what its phase has |
//! | [signals](ShutdownBuilder::signals) | none | a library must not take a process's signals unasked |
//! | workers, queue of a [pool](WorkerPool) | 4, 1,024 | a few jobs at once suit work that waits; a queue that a drain can finish |
//!
//! # Jobs in a pool
//!
//! A [`WorkerPool`] is for work without a caller that waits: mails, thumbnails, uploads. A fixed
//! number of workers takes jobs from a bounded queue; [`submit`](WorkerPool::submit) queues a job
//! or hands it back, and never waits. When intake stops, new jobs are refused and the drain
//! finishes the queue; the jobs that it does not get to are
//! [taken back](WorkerPool::take_queued) and can be written down. A job that panics costs no
//! worker. [`counts`](WorkerPool::counts) accounts for every job. The facade's
//! [front page](https://docs.rs/seawall) has a pool next to a pipeline.
//!
//! # Ending the process, whatever blocks
//!
//! A thread of the coordinator's own listens for signals and keeps deadlines, so both work while
//! every worker thread is busy. Two things it can't do:
//!
//! - [`run`](Shutdown::run) has to be *polled*: await it in `#[tokio::main]` or `block_on` of a
//!   multi-threaded runtime, which poll it on a thread of its own, not in a spawned task.
//! - The runtime has to be *left*: dropping a runtime waits for blocking threads and busy workers,
//!   however long that takes. End the process with
//!   `std::process::exit(report.exit_code().into())`, or use
//!   [`Runtime::shutdown_background`](tokio::runtime::Runtime::shutdown_background). Nothing in
//!   this crate exits the process by itself.
//!
//! [`supervise`](Shutdown::supervise) does both, and also ends a current-thread runtime whose only
//! thread is blocked: it keeps the calling thread outside the runtime.
//!
//! # Telemetry
//!
//! The [listeners](ShutdownBuilder::listeners) receive an [`Event`](seawall_core::Event) for each
//! phase that begins ([`Phase`](seawall_core::EventKind::Phase)), and for each step that begins and
//! ends ([`StepStarted`](seawall_core::EventKind::StepStarted),
//! [`StepEnded`](seawall_core::EventKind::StepEnded)). A [`ShutdownGate`] reports its refusals
//! ([`Rejected`](seawall_core::EventKind::Rejected)). The rest is in the report: `Display` for logs, `serde` as a feature, [`exit_code`](Report::exit_code) for
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
//!   during the drain delay, and the calls that requests in flight still have to make. Give
//!   pipelines at the edge the coordinator or the intake token, and those behind requests in
//!   flight the [`abort_token`](Shutdown::abort_token).
//! - **The grace period begins at the trigger** if somebody runs the shutdown by then, else when
//!   it is run: a signal during the start does not use it up.
//! - **A paused clock**, in tests, stands still while a blocking step runs.
//! - **A critical guard that is moved into a task** is dropped with it, also when the task ends
//!   as it should: [release](CriticalGuard::release) it then.
//! - **A forced end skips** the steps that have not begun, the flush among them. The report names
//!   them.
//! - A platform may lack a signal (Windows has no SIGTERM). It is left out silently, so that
//!   [`Signal::TERMINATION`] fits everywhere.
//!
//! # When not to use it
//!
//! A program that has nothing to finish needs none: the default action of a signal ends it
//! at once. Where tasks only have to be stopped and joined, tokio-util's `CancellationToken` and
//! `TaskTracker` do that and nothing more; this crate is for the order, the deadlines and the
//! account. Restarting what failed is a supervisor's business, not a shutdown's.

mod account;
mod closable_count;
mod config;
mod critical;
mod defaults;
mod drain_delay;
mod drive;
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
mod signals;
mod step;
mod subsystem;
mod supervise;
mod tasks;
mod trigger;

pub use config::ShutdownBuilder;
pub use critical::CriticalGuard;
pub use defaults::{DEFAULT_GRACE_PERIOD, DEFAULT_QUEUE, DEFAULT_WORKERS, DRAIN_DELAY_PERCENT};
pub use in_flight::{Drained, InFlight, InFlightGuard, OwnedInFlightGuard};
pub use liveness::{Heartbeat, Liveness, Stalled};
pub use outcome::{Outcome, StepOutput};
pub use phase::Phase;
pub use pool::{PoolCounts, SubmitError, WorkerPool, WorkerPoolBuilder};
pub use readiness::Readiness;
pub use reason::{ShutdownReason, Signal};
pub use refused::{RegisterError, ShuttingDown};
pub use report::{FailedTask, LeftBehind, LeftBehindKind, PhaseReport, Report, StepReport};
pub use shutdown::Shutdown;
pub use shutdown_gate::{ShutdownGate, ShutdownGateBuilder};
pub use step::Step;
pub use subsystem::OnFailure;
pub use tasks::TaskCounts;
