//! Turns a panic of the operation into an error.
//!
//! # What and why
//!
//! A panic in one call should fail one call. Without a guard it takes the task with it, and with the
//! task everything else the task was doing; a breaker or retry around it sees a future that was
//! dropped, not a failure. With a guard it is [`Error::Panicked`](seawall_core::Error::Panicked), of the class
//! [`Panicked`](seawall_core::Class::Panicked): a failure that can be counted, repeated and answered for.
//!
//! Caught is a panic
//!
//! - while the operation is created,
//! - at any poll, after which the operation's future is dropped before the error is returned, and never
//!   polled again,
//! - while the future is dropped, at its end or because the call was given up.
//!
//! The callbacks of the other policies (predicates, functions, listeners, fallbacks) are run through
//! the same [`contain`](seawall_core::contain), whether there is a guard or not.
//!
//! Callers never write `AssertUnwindSafe`: the future that panicked is not used again. What it shared
//! with others is the caller's business, as it is with every error. A `std` mutex that was locked is
//! poisoned.
//!
//! # Quick start
//!
//! ```
//! use seawall_core::Class;
//! use seawall_guard::PanicGuard;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), seawall_core::ConfigError> {
//! let guard = PanicGuard::builder().name("parser").build()?;
//! let error = guard
//!     .call(async {
//!         let fields: Vec<&str> = "a,b".split(',').collect();
//!         Ok::<_, std::io::Error>(fields[2].len())
//!     })
//!     .await
//!     .unwrap_err();
//! assert_eq!(error.class(), Class::Panicked);
//! let report = &error.panicked().expect("a panic").report;
//! assert!(report.message.starts_with("index out of bounds"));
//! assert!(report.location.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! # States
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> Running: created
//!     [*] --> Over: creating panicked
//!     Running --> Over: ready
//!     Running --> Over: a poll panicked, the future is dropped
//!     Running --> [*]: given up, the future is dropped
//! ```
//!
//! # Defaults
//!
//! | setting | default | why |
//! |---|---|---|
//! | `enabled` | yes | switched off it lets panics through, so that a configuration decides and the pipeline's type stays |
//! | `hook` | installed | without it nobody learns where the panic was |
//! | `backtrace` | off | walking the stack and naming its frames takes milliseconds |
//! | `on_abort` | [`OnAbort::Refuse`] | a guard that can't guard should not look like one |
//!
//! # The report
//!
//! The message comes from the payload: text in its usual forms; numbers and common errors with the name
//! of their type; types of your own by name if [listed](PanicGuardBuilder::payload_type). It is cut to
//! [`MAX_MESSAGE`](seawall_core::panic::MAX_MESSAGE) bytes, on a character boundary.
//!
//! Location and backtrace come from a panic hook that is [put in
//! front](seawall_core::panic::install_hook) of the one that was there, once; that one is called as
//! before. Declined, or replaced later by a hook that does not call ours, there is no location.
//!
//! A payload whose own drop panics, again and again, is dropped
//! [`MAX_DISPOSALS`](seawall_core::panic::MAX_DISPOSALS) times, then leaked and
//! [counted](seawall_core::panic::leaked_payloads).
//!
//! # What can't be caught
//!
//! - Anything in a program built with `panic = "abort"`. `build()` says so, as an error or as an
//!   [`Ineffective`](seawall_core::EventKind::Ineffective) event.
//! - A stack overflow, running out of memory, `std::process::abort`, a signal.
//! - A destructor that panics while its own frame is unwound by another panic: the language aborts. A
//!   destructor of the operation that panics while *the caller's* frame unwinds is caught.
//! - A panic inside the panic hook.
//! - A panic in another thread or task: that one needs its own guard, or [`Tasks`](crate::Tasks).
//!
//! # Telemetry
//!
//! [`EventKind::Panicked`](seawall_core::EventKind::Panicked) for each panic, also for those that are no outcome: a panic while
//! a finished call is dropped is told and counted in [`PanicGuard::caught`], but the outcome stands.
//!
//! # Traps
//!
//! - The hook that was there still prints. A guard does not silence panics.
//! - A panic is repeated by a retry like any failure; one that comes from the input comes again.
//!
//! # When not to use it
//!
//! To end tasks or to signal conditions that are expected: that is what errors are for.

mod config;
mod event;
mod future;
mod policy;

pub use config::{OnAbort, PanicGuardBuilder};
pub use future::PanicGuardFuture;
pub use policy::{PanicGuard, PanicGuardCall};
