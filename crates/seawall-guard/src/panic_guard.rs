//! Turns a panic of the operation into an error.
//!
//! # What and why
//!
//! A panic in one call should fail one call. Without a guard it ends the task and everything else that
//! the task was doing; a breaker or retry around it sees a future that was dropped, not a failure. With
//! a guard it is [`Error::Panicked`](seawall_core::Error::Panicked), of the class
//! [`Panicked`](seawall_core::Class::Panicked): a failure that the other policies count, repeat and
//! answer for.
//!
//! A guard catches a panic
//!
//! - while the operation is started,
//! - at any poll; the operation's future is then dropped before the error is returned, and never polled
//!   again,
//! - while the future is dropped, at its end or because the caller left.
//!
//! The callbacks of the other policies (predicates, functions, listeners, fallbacks) run through the
//! same [`contain`](seawall_core::contain), with or without a guard.
//!
//! Callers never write `AssertUnwindSafe`: a future that panicked is not used again. What it shared with
//! others is the caller's concern, as with every error. A `std` mutex that was locked is poisoned.
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
#![doc = include_str!("panic_guard/states.svg")]
//!
//! # Defaults
//!
//! | setting | default | why |
//! |---|---|---|
//! | `disabled` | no | a disabled guard lets panics through, so that a configuration decides and the pipeline's type stays |
//! | `without_hook` | no: the hook is installed | without it a report has no location |
//! | `backtrace` | off | walking the stack and naming its frames takes milliseconds |
//! | `on_abort` | [`OnAbort::Refuse`] | a guard that can't guard must not look like one |
//!
//! # The report
//!
//! The message comes from the payload: text in its usual forms; numbers and common errors with the name
//! of their type; types of your own by name if [listed](PanicGuardBuilder::payload_type). It is cut to
//! [`MAX_MESSAGE`](seawall_core::panic::MAX_MESSAGE) bytes, on a character boundary.
//!
//! Location and backtrace come from a panic hook that is [installed](seawall_core::panic::install_hook)
//! once, in front of the previous one, which it calls. Without the hook, or after another hook that does
//! not call it was set, there is no location.
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
//! [`EventKind::Panicked`](seawall_core::EventKind::Panicked) for each panic. A panic while a finished
//! call is dropped is reported and counted in [`PanicGuard::caught`], too, but the outcome stands.
//!
//! # Traps
//!
//! - The previous hook still prints. A guard does not silence panics.
//! - A retry repeats a panic like any failure; one that comes from the input comes again.
//!
//! # When not to use it
//!
//! To end tasks or to signal expected conditions: that is what errors are for.

mod config;
mod future;
mod policy;

pub use config::{OnAbort, PanicGuardBuilder};
pub use future::PanicGuardFuture;
pub use policy::{PanicGuard, PanicGuardCall};
