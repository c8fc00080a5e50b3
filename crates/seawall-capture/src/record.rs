//! What is kept of a failure.
//!
//! A [`Draft`] is what the caller says; it becomes a [`Record`] only by way of a
//! [`Capture`](crate::Capture), which takes out what is personal and gives it a fingerprint. So no
//! record exists that was not redacted.
//!
//! # Two audiences
//!
//! | part | audience | cardinality |
//! |---|---|---|
//! | [`Record::description`], type, fingerprint, taxonomy, [`Origin`], source, tags, [`CallFacts`] | may leave the process: digests, metrics, chat | low |
//! | [`Details`]: message, causes, values, location, frames, correlation and trace ids | stays: the store, and its readers | any |
//!
//! Unless it is said by hand, the description is the message with everything that varies replaced
//! by what it is: `no answer from <host> after <duration>`.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fingerprint::Grouping;
use crate::{Redactor, Timestamp};

pub use call::CallFacts;
pub use draft::Draft;
pub(crate) use fill::{Spare, location_text};
pub use frame::{Frame, frames_of};
pub use taxonomy::{Kind, Observability, Severity, UnknownWord};

mod call;
mod draft;
mod fill;
mod frame;
pub mod limits;
mod taxonomy;

/// Where records come from: what one process has in common. Each field at most
/// [`limits::NAME`] bytes, empty where unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Origin {
    /// The service.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Its version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where it runs: production, staging.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub environment: String,
    /// On which machine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
}

/// A failure: redacted, grouped, bounded.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// Which group it belongs to, and why.
    pub grouping: Grouping,
    /// When it happened.
    pub at: Timestamp,
    /// How bad it is; `None` if nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// What failed; `None` if nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// When it shows; `None` if nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observability: Option<Observability>,
    /// The type of the error.
    pub type_name: String,
    /// What happened, in words that may leave the process.
    pub description: String,
    /// The process that it happened in.
    pub origin: Arc<Origin>,
    /// The part of the process, as the caller says: a module, a queue, a tenant class.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// What the caller wants to find it by: keys and values of few different kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
    /// What the policies around the call know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Box<CallFacts>>,
    /// What stays.
    pub details: Details,
}

/// The part of a record that may hold what is personal, and stays.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Details {
    /// What the error says, redacted.
    pub message: String,
    /// What it was caused by, the root first; empty for an error without a source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// Where it was captured or where it panicked, as `file:line:column`; empty where unknown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// The stack, where a backtrace was on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Frame>,
    /// What ties it to a request.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub correlation_id: String,
    /// The trace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub trace_id: String,
    /// The span.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub span_id: String,
    /// Whatever else helps to find the cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(String, String)>,
}

impl Record {
    /// The first frame of the application's own code.
    pub fn culprit(&self) -> Option<&Frame> {
        self.details.frames.iter().find(|frame| frame.in_app)
    }

    /// The value of a tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// How many bytes the record takes up, what its texts have reserved included; its origin, which
    /// is shared, left out.
    pub fn footprint(&self) -> usize {
        let pairs = |pairs: &Vec<(String, String)>| {
            pairs.capacity() * size_of::<(String, String)>()
                + pairs.iter().map(|(k, v)| k.capacity() + v.capacity()).sum::<usize>()
        };
        let Details {
            message,
            causes,
            location,
            frames,
            correlation_id,
            trace_id,
            span_id,
            values,
        } = &self.details;
        let texts =
            [&self.type_name, &self.description, &self.source, message, location, correlation_id]
                .into_iter()
                .chain([trace_id, span_id])
                .chain(causes)
                .map(String::capacity)
                .sum::<usize>();
        let frames = frames.capacity() * size_of::<Frame>()
            + frames.iter().map(|f| f.function.capacity() + f.file.capacity()).sum::<usize>();
        let call = self.call.as_ref().map_or(0, |call| call.footprint());
        size_of::<Self>()
            + texts
            + causes.capacity() * size_of::<String>()
            + frames
            + pairs(&self.tags)
            + pairs(values)
            + call
    }

    /// Becomes like `other`, in the texts that are there already where they are long enough.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.grouping = other.grouping;
        self.at = other.at;
        self.severity = other.severity;
        self.kind = other.kind;
        self.observability = other.observability;
        self.type_name.clone_from(&other.type_name);
        self.description.clone_from(&other.description);
        if !Arc::ptr_eq(&self.origin, &other.origin) {
            self.origin = Arc::clone(&other.origin);
        }
        self.source.clone_from(&other.source);
        self.tags.clone_from(&other.tags);
        match (&mut self.call, &other.call) {
            (Some(call), Some(other)) => call.copy_from(other),
            (call, other) => call.clone_from(other),
        }
        self.details.copy_from(&other.details);
    }

    /// Empties it, and keeps what its texts have reserved, in place or in `spare`.
    pub(crate) fn clear(&mut self, spare: &mut Spare) {
        self.grouping = Grouping::default();
        self.at = Timestamp::default();
        self.severity = None;
        self.kind = None;
        self.observability = None;
        self.type_name.clear();
        self.description.clear();
        self.source.clear();
        self.tags.clear();
        spare.keep(&mut self.details.causes, self.call.take());
        let Details {
            message,
            causes,
            location,
            frames,
            correlation_id,
            trace_id,
            span_id,
            values,
        } = &mut self.details;
        for text in [message, location, correlation_id, trace_id, span_id] {
            text.clear();
        }
        causes.clear();
        frames.clear();
        values.clear();
    }

    /// Takes out what `redactor` takes out, everywhere that a caller's text is.
    pub(crate) fn redact(&mut self, redactor: &Redactor, scratch: &mut String) {
        let Details { message, causes, correlation_id, trace_id, span_id, values, .. } =
            &mut self.details;
        redactor.apply(message, limits::MESSAGE, scratch);
        redactor.apply(&mut self.description, limits::DESCRIPTION, scratch);
        redactor.apply(&mut self.source, limits::NAME, scratch);
        for cause in causes {
            redactor.apply(cause, limits::CAUSE, scratch);
        }
        for id in [correlation_id, trace_id, span_id] {
            redactor.apply(id, limits::NAME, scratch);
        }
        for (key, value) in &mut self.tags {
            redactor.apply_pair(key, value, limits::TAG, scratch);
        }
        for (key, value) in values {
            redactor.apply_pair(key, value, limits::VALUE, scratch);
        }
        if let Some(call) = &mut self.call {
            for text in &mut call.history {
                redactor.apply(text, limits::CAUSE, scratch);
            }
        }
    }
}

impl fmt::Debug for Record {
    /// Without its texts, which belong to where records are shown on purpose.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("grouping", &self.grouping)
            .field("at", &self.at)
            .field("type_name", &self.type_name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Details {
    /// Without anything that may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Details").field("location", &self.location).finish_non_exhaustive()
    }
}

impl Details {
    fn copy_from(&mut self, other: &Self) {
        self.message.clone_from(&other.message);
        self.causes.clone_from(&other.causes);
        self.location.clone_from(&other.location);
        self.frames.clone_from(&other.frames);
        self.correlation_id.clone_from(&other.correlation_id);
        self.trace_id.clone_from(&other.trace_id);
        self.span_id.clone_from(&other.span_id);
        self.values.clone_from(&other.values);
    }
}
