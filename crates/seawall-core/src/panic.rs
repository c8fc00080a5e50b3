//! Containing panics.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What is known of a panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PanicReport {
    /// What the panic said; the type of the payload where that is not text.
    pub message: Box<str>,
    /// `file:line:column`, where known.
    pub location: Option<Box<str>>,
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

/// Runs `f`; a panic in it comes back as a report instead of going on.
///
/// What `f` touched is the caller's business: a policy uses this only around code that it will
/// not run again, or whose state it does not share.
#[inline]
pub fn contain<R>(f: impl FnOnce() -> R) -> Result<R, PanicReport> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| report(&*payload))
}

#[cold]
fn report(payload: &(dyn Any + Send)) -> PanicReport {
    let message = if let Some(text) = payload.downcast_ref::<&'static str>() {
        Box::from(*text)
    } else if let Some(text) = payload.downcast_ref::<String>() {
        Box::from(text.as_str())
    } else {
        Box::from("(no message)")
    };
    PanicReport { message, location: None }
}
