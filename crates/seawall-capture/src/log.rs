//! A record as a line of a log, and as attributes of OpenTelemetry.
//!
//! The line is one JSON object, in UTC with milliseconds and `Z`:
//!
//! | field | |
//! |---|---|
//! | `timestamp`, `level`, `message` | `level` follows from the severity: `fatal`, `error`, `warn` |
//! | `service`, `version`, `environment`, `host`, `source` | where |
//! | `correlation_id`, `trace_id`, `span_id` | internal only |
//! | `severity`, `kind`, `observability` | where somebody said so |
//! | `tags` | an object of texts |
//! | `call` | what the policies know |
//! | `error` | `type`, `message`, `causes`, `stack_trace`, `location`, `fingerprint`, `fingerprint_version`, `grouped_by` |
//! | `details` | internal only: an object of texts |
//!
//! Fields of the caller are added to them, redacted as records are by default; for rules of your own
//! put them through [`Capture::redactor`](crate::Capture::redactor) first. One whose name is
//! [reserved](RESERVED) is written as `caller.<name>`, so that nobody can pass off a field as ours.
//! Characters that a terminal obeys or that turn text around are escaped.

use serde_json::{Map, Value, json};

use crate::record::Frame;
use crate::text::visible_json;
use crate::{Record, Redactor, Severity};

/// The names of our own fields.
pub const RESERVED: [&str; 18] = [
    "timestamp",
    "level",
    "message",
    "service",
    "version",
    "environment",
    "host",
    "source",
    "correlation_id",
    "trace_id",
    "span_id",
    "severity",
    "kind",
    "observability",
    "tags",
    "call",
    "error",
    "details",
];

/// The readers of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Readers that may see personal data: everything.
    Internal,
    /// Anybody: nothing of [`Record::details`]; messages are descriptions.
    Public,
}

/// `record` as one line, without a line break at its end.
///
/// ```
/// use seawall_capture::{Capture, Draft, log::{Audience, line}};
///
/// # fn main() -> Result<(), seawall_core::ConfigError> {
/// let capture = Capture::builder().service("billing").build()?;
/// let record = capture.prepare(Draft::new("Gone", "invoice 4711 is gone"));
/// let line = line(&record, Audience::Public, &[("region", "eu".into())]);
/// assert!(line.contains(r#""message":"invoice <num> is gone""#));
/// assert!(line.contains(r#""region":"eu""#));
/// # Ok(())
/// # }
/// ```
pub fn line(record: &Record, audience: Audience, fields: &[(&str, Value)]) -> String {
    visible_json(Value::Object(object(record, audience, fields)).to_string())
}

/// `record` as a JSON object.
pub fn object(record: &Record, audience: Audience, fields: &[(&str, Value)]) -> Map<String, Value> {
    let mut object = Map::new();
    let redactor = Redactor::default();
    for (name, value) in fields {
        let reserved = RESERVED.contains(name) || name.starts_with("caller.");
        let name = if reserved { format!("caller.{name}") } else { (*name).to_owned() };
        object.insert(redactor.text(&name), redacted(&redactor, &name, value));
    }
    let internal = audience == Audience::Internal;
    let message = if internal { &record.details.message } else { &record.description };
    let mut put = |name: &str, value: Value| object.insert(name.into(), value);
    put("timestamp", record.at.to_string().into());
    put("level", level(record.severity).into());
    put("message", message.as_str().into());
    let (origin, details) = (&record.origin, &record.details);
    let ids = [
        ("correlation_id", &details.correlation_id),
        ("trace_id", &details.trace_id),
        ("span_id", &details.span_id),
    ];
    let names = [
        ("service", &origin.service),
        ("version", &origin.version),
        ("environment", &origin.environment),
        ("host", &origin.host),
        ("source", &record.source),
    ];
    for (name, text) in names.into_iter().chain(ids.into_iter().filter(|_| internal)) {
        if !text.is_empty() {
            put(name, text.as_str().into());
        }
    }
    let words = [
        ("severity", record.severity.map(Severity::as_str)),
        ("kind", record.kind.map(crate::Kind::as_str)),
        ("observability", record.observability.map(crate::Observability::as_str)),
    ];
    for (name, word) in words {
        if let Some(word) = word {
            put(name, word.into());
        }
    }
    if !record.tags.is_empty() {
        put("tags", texts(&record.tags));
    }
    if let Some(call) = &record.call {
        put("call", serde_json::to_value(call).unwrap_or_default());
    }
    put("error", error(record, internal));
    if internal && !details.values.is_empty() {
        put("details", texts(&details.values));
    }
    object
}

/// The value of the field `name` of the caller.
fn redacted(redactor: &Redactor, name: &str, value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        _ if redactor.is_sensitive(name) => "[redacted]".into(),
        Value::String(text) => redactor.text(text).into(),
        Value::Array(values) => {
            values.iter().map(|value| redacted(redactor, name, value)).collect()
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (redactor.text(name), redacted(redactor, name, value)))
            .collect(),
        Value::Number(number) => match redactor.text(&number.to_string()) {
            text if text == number.to_string() => value.clone(),
            text => text.into(),
        },
    }
}

fn error(record: &Record, internal: bool) -> Value {
    let mut error = json!({
        "type": record.type_name,
        "message": if internal { &record.details.message } else { &record.description },
        "fingerprint": record.grouping.fingerprint,
        "fingerprint_version": record.grouping.version,
        "grouped_by": record.grouping.by.to_string(),
    });
    if internal {
        let details = &record.details;
        if !details.causes.is_empty() {
            error["causes"] = details.causes.clone().into();
        }
        if !details.location.is_empty() {
            error["location"] = details.location.as_str().into();
        }
        if !details.frames.is_empty() {
            error["stack_trace"] = stack_trace(&details.frames).into();
        }
    }
    error
}

fn texts(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
}

const fn level(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Critical) => "fatal",
        Some(Severity::Low) => "warn",
        _ => "error",
    }
}

/// The frames as text, one a line; the first in-app frame is marked with `>`.
pub fn stack_trace(frames: &[Frame]) -> String {
    let culprit = frames.iter().position(|frame| frame.in_app);
    let lines = frames.iter().enumerate().map(|(at, frame)| {
        let mark = if Some(at) == culprit { '>' } else { ' ' };
        let place = match (frame.file.is_empty(), frame.line) {
            (true, _) => String::new(),
            (false, None) => format!(" ({})", frame.file),
            (false, Some(line)) => format!(" ({}:{line})", frame.file),
        };
        format!("{mark} {}{place}", frame.function)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `record` as attributes of an OpenTelemetry exception event or log record, by the semantic
/// conventions for exceptions, errors, and resources. Those without a value are left out.
///
/// They include the message: for where personal data may be. Pass [`Audience::Public`] for the
/// description in its place, and no stack.
pub fn otel_attributes(record: &Record, audience: Audience) -> Vec<(&'static str, String)> {
    let internal = audience == Audience::Internal;
    let details = &record.details;
    let message = if internal { &details.message } else { &record.description };
    let stack = if internal && !details.frames.is_empty() {
        stack_trace(&details.frames)
    } else {
        String::new()
    };
    let origin = &record.origin;
    let attributes = [
        ("exception.type", record.type_name.clone()),
        ("exception.message", message.clone()),
        ("exception.stacktrace", stack),
        ("error.type", record.type_name.clone()),
        ("service.name", origin.service.clone()),
        ("service.version", origin.version.clone()),
        ("deployment.environment.name", origin.environment.clone()),
        ("host.name", origin.host.clone()),
        ("seawall.error.fingerprint", record.grouping.fingerprint.to_string()),
    ];
    attributes.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}
