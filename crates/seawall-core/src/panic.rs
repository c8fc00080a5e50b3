//! Containing panics.
//!
//! [`contain`] runs code that may panic and turns the panic into a [`PanicReport`]; every policy
//! runs the user's callbacks through it. [`catch`] leaves the payload to its caller. Both dispose of
//! the payload safely: a payload whose own drop panics, again and again, neither escapes nor aborts.
//!
//! # Where the location comes from
//!
//! A payload says what went wrong, not where. [`install_hook`] puts a hook in front of the
//! process's panic hook. It notes the location for the thread that panics, with a backtrace if
//! [asked](capture_backtraces), and then calls the hook that was there before. Without it reports
//! have no location; everything else works.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

pub use hook::{capture_backtraces, hook_installed, install_hook};
pub use message::{MAX_MESSAGE, PayloadType, message_of};
pub use payload::{MAX_DISPOSALS, leaked_payloads};

use payload::Payload;

mod hook;
mod message;
mod payload;

/// Whether a panic can be caught at all: not in a program that is built with `panic = "abort"`,
/// where every panic ends the process after its hook has run.
pub const CAN_CATCH: bool = cfg!(panic = "unwind");

/// The report of a panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PanicReport {
    /// The panic's message, cut to [`MAX_MESSAGE`] bytes; the type of the payload where that is not
    /// text.
    pub message: Box<str>,
    /// `file:line:column`, where known: needs the [hook](install_hook).
    pub location: Option<Box<str>>,
    /// The stack of the panicking thread, as text. Only where it was [asked
    /// for](Caught::into_report_with_backtrace).
    pub backtrace: Option<Arc<str>>,
}

impl fmt::Display for PanicReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.message)?;
        match &self.location {
            Some(location) => write!(f, ", at {location}"),
            None => Ok(()),
        }
    }
}

/// Runs `f`; a panic in it is returned as a report.
///
/// The caller answers for the state that `f` touched: a policy uses this only around code that it
/// will not run again, or whose state it does not share.
///
/// ```
/// use seawall_core::contain;
///
/// assert_eq!(contain(|| 7), Ok(7));
/// let report = contain(|| panic!("broken {}", "glass")).unwrap_err();
/// assert_eq!(&*report.message, "broken glass");
/// ```
pub fn contain<R>(f: impl FnOnce() -> R) -> Result<R, PanicReport> {
    catch(f).map_err(Caught::into_report)
}

/// Runs `f`; a panic in it is returned with its payload.
pub fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Caught> {
    catch_unwind(AssertUnwindSafe(f)).map_err(Caught::new)
}

/// A panic that was caught, with its payload. Dropping it disposes of the payload safely.
#[must_use = "a panic that nobody looks at goes unnoticed"]
pub struct Caught(Payload);

impl Caught {
    /// A panic that was caught elsewhere, such as by a task.
    pub fn new(payload: Box<dyn Any + Send>) -> Self {
        Self(Payload::new(payload))
    }

    /// The payload.
    pub fn payload(&self) -> &(dyn Any + Send) {
        self.0.as_ref()
    }

    /// Lets the panic continue where it was caught, without calling the panic hook again.
    pub fn resume(self) -> ! {
        resume_unwind(self.0.into_inner())
    }

    /// The report, without a backtrace.
    #[cold]
    pub fn into_report(self) -> PanicReport {
        self.report(&[], false)
    }

    /// The report, with a backtrace if one was [captured](capture_backtraces).
    /// Resolving the symbols can take milliseconds.
    #[cold]
    pub fn into_report_with_backtrace(self) -> PanicReport {
        self.report(&[], true)
    }

    /// The report; a payload that is none of the common types is looked for in `types`.
    #[cold]
    pub fn report(self, types: &[PayloadType], backtrace: bool) -> PanicReport {
        // The note is taken before the payload is dropped: dropping may panic and make a newer one.
        let note = hook::take_note(self.payload());
        let message = message::of(self.payload(), types);
        drop(self);
        let (location, trace) = note.map_or((None, None), |note| (note.location, note.backtrace));
        PanicReport {
            message,
            location,
            backtrace: trace.filter(|_| backtrace).map(|trace| Arc::from(trace.to_string())),
        }
    }
}

impl fmt::Debug for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Caught").field(&message::of(self.payload(), &[])).finish()
    }
}
