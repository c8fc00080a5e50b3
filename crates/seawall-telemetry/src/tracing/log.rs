//! Lines of JSON.

use std::fmt::{self, Debug, Write as _};
use std::io::Write;
use std::time::SystemTime;

use parking_lot::Mutex;
use seawall::ConfigError;
use seawall::capture::redact::Redactor;
use seawall::capture::{Capture, Draft, Timestamp};
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::context::{self, Context as Request};

/// Writes each event as one line of JSON, in UTC with milliseconds and `Z`.
///
/// | field | |
/// |---|---|
/// | `timestamp`, `level`, `message`, `target` | always |
/// | `correlation_id`, `trace_id`, `span_id` | always: of the current [context](crate::context), `N/A` outside of one |
/// | `service`, `environment`, `host`, `version` | always, as the builder has them |
/// | `error` | always: `fingerprint`, which is `null` where the level is not error |
/// | the fields of the event | under their names; a name of ours gets `caller.` before it |
///
/// What an event says is redacted, as records of the capture are: tokens, mail addresses and the like
/// in texts, whole values under names such as `password`. Characters that a terminal obeys or that turn text around are
/// escaped. A line that can't be written is counted, and no event waits for a reader longer than the
/// writer does.
pub struct JsonLog {
    capture: Capture,
    redactor: Redactor,
    origin: [(&'static str, String); 4],
    writer: Mutex<Writer>,
}

struct Writer {
    to: Box<dyn Write + Send>,
    lost: u64,
}

/// Builds a [`JsonLog`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct JsonLogBuilder {
    service: String,
    environment: String,
    host: String,
    version: String,
}

/// The names of our own fields.
const RESERVED: [&str; 12] = [
    "timestamp",
    "level",
    "message",
    "target",
    "correlation_id",
    "trace_id",
    "span_id",
    "service",
    "environment",
    "host",
    "version",
    "error",
];

impl JsonLogBuilder {
    /// The name of the service.
    pub fn service(mut self, service: &str) -> Self {
        service.clone_into(&mut self.service);
        self
    }

    /// Where it runs: `production`, for instance.
    pub fn environment(mut self, environment: &str) -> Self {
        environment.clone_into(&mut self.environment);
        self
    }

    /// The machine.
    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// The version of the service.
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// Builds it, to write into `to`.
    ///
    /// # Errors
    ///
    /// Those of the capture that finds the fingerprints.
    pub fn build(self, to: impl Write + Send + 'static) -> Result<JsonLog, ConfigError> {
        let Self { service, environment, host, version } = self;
        Ok(JsonLog {
            capture: Capture::builder().build()?,
            redactor: Redactor::default(),
            origin: [
                ("service", service),
                ("environment", environment),
                ("host", host),
                ("version", version),
            ],
            writer: Mutex::new(Writer { to: Box::new(to), lost: 0 }),
        })
    }
}

impl JsonLog {
    /// Configures it.
    pub fn builder() -> JsonLogBuilder {
        JsonLogBuilder::default()
    }

    /// How many lines could not be written.
    pub fn lost(&self) -> u64 {
        self.writer.lock().lost
    }

    fn line(&self, event: &Event<'_>) -> String {
        let mut said =
            Said { redactor: &self.redactor, message: String::new(), fields: Map::new() };
        event.record(&mut said);
        let Said { message, fields, .. } = said;
        let metadata = event.metadata();
        let mut object = fields;
        let fingerprint = (*metadata.level() == Level::ERROR).then(|| {
            let draft = Draft::new(metadata.target(), &message);
            self.capture.prepare(draft).grouping.fingerprint.to_string()
        });
        let request = Request::current();
        let id = |of: fn(&Request) -> String| {
            Value::from(request.as_ref().map_or_else(|| context::NONE.to_owned(), of))
        };
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        put("timestamp", Timestamp::from(SystemTime::now()).to_string().into());
        put("level", metadata.level().as_str().into());
        put("message", message.into());
        put("target", metadata.target().into());
        put("correlation_id", id(|request| request.correlation_id().to_owned()));
        put("trace_id", id(Request::trace_id));
        put("span_id", id(Request::span_id));
        for (name, value) in &self.origin {
            put(name, value.as_str().into());
        }
        put("error", json!({ "fingerprint": fingerprint }));
        visible(&Value::Object(object).to_string())
    }
}

impl<S: Subscriber> Layer<S> for JsonLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = self.line(event);
        line.push('\n');
        let mut writer = self.writer.lock();
        if writer.to.write_all(line.as_bytes()).is_err() {
            writer.lost = writer.lost.saturating_add(1);
        }
    }
}

/// Collects what an event says.
struct Said<'l> {
    redactor: &'l Redactor,
    message: String,
    fields: Map<String, Value>,
}

impl Said<'_> {
    fn add(&mut self, field: &Field, value: Value) {
        let name = field.name();
        let value = if self.redactor.is_sensitive(name) { "[redacted]".into() } else { value };
        let reserved = RESERVED.contains(&name) || name.starts_with("caller.");
        let name = if reserved { format!("caller.{name}") } else { name.to_owned() };
        self.fields.insert(name, value);
    }
}

impl Visit for Said<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = self.redactor.text(&format!("{value:?}"));
        if field.name() == "message" {
            self.message = text;
        } else {
            self.add(field, text.into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let text = self.redactor.text(value);
        if field.name() == "message" {
            self.message = text;
        } else {
            self.add(field, text.into());
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }
}

/// JSON escapes the control characters below a blank; a terminal obeys others as well.
fn visible(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            // Writing to a `String` never fails.
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

impl Debug for JsonLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLog").field("origin", &self.origin).finish_non_exhaustive()
    }
}
