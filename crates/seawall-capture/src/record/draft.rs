//! What a caller says of a failure.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

use seawall_core::{Error, PanicReport};

use super::fill::{PANIC, Spare, location_text};
use super::{Kind, Observability, Record, Severity, limits};
use crate::Timestamp;
use crate::text::{assign, assign_id, bounded};

/// A failure as the caller tells it: not redacted, not grouped.
///
/// Every text is cut to its [bound](super::limits); a cut ends at the end of a word.
///
/// ```
/// use seawall_capture::{Capture, Draft, Kind, Severity};
///
/// # fn main() -> Result<(), seawall_core::ConfigError> {
/// let capture = Capture::builder().service("billing").build()?;
/// let draft = Draft::new("InvoiceMismatch", "invoice 4711 has 3 lines, expected 4")
///     .severity(Severity::Medium)
///     .kind(Kind::Logic)
///     .tag("currency", "EUR")
///     .value("customer", "ann@example.org");
/// capture.record(draft);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a draft is kept only once it is recorded"]
pub struct Draft {
    pub(crate) record: Box<Record>,
    pub(crate) explicit: Option<String>,
    pub(crate) at: Option<Timestamp>,
    pub(crate) version: Option<String>,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("type_name", &self.record.type_name).finish_non_exhaustive()
    }
}

impl Draft {
    fn empty() -> Self {
        Self { record: Box::default(), explicit: None, at: None, version: None }
    }

    /// A failure by hand.
    #[track_caller]
    pub fn new(type_name: &str, message: &str) -> Self {
        let mut draft = Self::empty();
        draft.record.set_type(type_name);
        assign(&mut draft.record.details.message, limits::MESSAGE, message);
        draft.here(Location::caller())
    }

    /// An error of a known type, with all that it was caused by.
    #[track_caller]
    pub fn error<E: StdError + 'static>(error: &E) -> Self {
        let mut draft = Self::empty();
        draft.record.fill_typed(error, &mut Spare::default());
        draft.here(Location::caller())
    }

    /// An error whose type is not known, with all that it was caused by.
    #[track_caller]
    pub fn dyn_error(error: &(dyn StdError + 'static)) -> Self {
        let mut draft = Self::empty();
        draft.record.fill_error(error, &mut Spare::default());
        draft.here(Location::caller())
    }

    /// A panic that was caught.
    #[track_caller]
    pub fn panic(report: &PanicReport) -> Self {
        let mut draft = Self::empty();
        draft.record.fill_panic(report);
        draft.here(Location::caller())
    }

    /// The final failure of a call.
    #[track_caller]
    pub fn failure<E: StdError + 'static>(error: &Error<E>) -> Self {
        let mut draft = Self::empty();
        draft.record.fill_failure(error, &mut Spare::default());
        draft.here(Location::caller())
    }

    fn here(mut self, location: &Location<'_>) -> Self {
        self.record.set_location_text(&location_text(location));
        self
    }

    /// As captured at another place, unless it knows where it happened.
    pub(crate) fn located(mut self, location: &Location<'_>) -> Self {
        if self.record.type_name != PANIC {
            self.record.details.location.clear();
        }
        self.here(location)
    }

    /// How bad it is.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.record.severity = Some(severity);
        self
    }

    /// What failed.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.record.kind = Some(kind);
        self
    }

    /// When it shows.
    pub fn observability(mut self, observability: Observability) -> Self {
        self.record.observability = Some(observability);
        self
    }

    /// What happened, in words that may leave the process, instead of the message with everything
    /// that varies taken out. Redacted like all the rest.
    pub fn description(mut self, description: &str) -> Self {
        assign(&mut self.record.description, limits::DESCRIPTION, description);
        self
    }

    /// The group that it belongs to, instead of one that is found out.
    pub fn fingerprint(mut self, key: impl Into<String>) -> Self {
        self.explicit = Some(key.into());
        self
    }

    /// The part of the process.
    pub fn source(mut self, source: &str) -> Self {
        assign(&mut self.record.source, limits::NAME, source);
        self
    }

    /// What ties it to a request. What is no visible character of ASCII becomes `_`.
    pub fn correlation_id(mut self, id: &str) -> Self {
        assign_id(&mut self.record.details.correlation_id, limits::NAME, id);
        self
    }

    /// The trace and the span. What is no visible character of ASCII becomes `_`.
    pub fn trace(mut self, trace_id: &str, span_id: &str) -> Self {
        assign_id(&mut self.record.details.trace_id, limits::TRACE, trace_id);
        assign_id(&mut self.record.details.span_id, limits::TRACE, span_id);
        self
    }

    /// A tag. Of two with one key the later counts; at most [`limits::TAGS`].
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.record.set_tag(key, value);
        self
    }

    /// A value that stays. Of two with one key the later counts; at most [`limits::VALUES`].
    pub fn value(mut self, key: &str, value: &str) -> Self {
        self.record.set_value(key, value);
        self
    }

    /// When it happened, if not now.
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// The version that it happened in, if not the process's own.
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(bounded(version, limits::NAME));
        self
    }
}
