//! How a capture is built.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use seawall_core::{Check, Class, ConfigError, PolicyKind};

use super::{Capture, Inner, Observer};
use crate::fingerprint::Rules;
use crate::join::{Circuits, Classes, SkipCounts, Tops, default_classes};
use crate::record::{Origin, limits};
use crate::store::{MemoryStore, Store};
use crate::{Clock, Redactor};

/// Builds a [`Capture`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`service`](Self::service), [`version`](Self::version), [`environment`](Self::environment) | empty | nobody else knows them |
/// | [`host`](Self::host) | what the system says, else empty | |
/// | [`redactor`](Self::redactor) | [`Redactor::default`] | what is stored in the clear by accident can't be taken back |
/// | [`rules`](Self::rules) | none | types and messages group well by themselves |
/// | [`without_backtraces`](Self::without_backtraces) | on, if `RUST_BACKTRACE` asks for them | as everywhere else in Rust |
/// | [`classes`](Self::classes) | all but permanent, ignored and cancelled ones | what the caller asked wrongly is not the service's failure |
/// | [`store`](Self::store) | a [`MemoryStore`] with its defaults | nothing to install |
#[derive(Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CaptureBuilder {
    service: String,
    version: String,
    environment: String,
    host: Option<String>,
    redactor: Redactor,
    rules: Rules,
    clock: Clock,
    no_backtraces: bool,
    store: Option<Arc<dyn Store>>,
    observers: Vec<Box<dyn Observer>>,
    classes: Option<Classes>,
}

impl CaptureBuilder {
    /// The service's name, at most 256 bytes.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = service.into();
        self
    }

    /// The service's version, at most 256 bytes.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Where it runs, at most 256 bytes.
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = environment.into();
        self
    }

    /// The machine's name, at most 256 bytes.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// What takes out what must not be kept.
    pub fn redactor(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// The rules that say which failures are the same.
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Takes no backtraces of captured errors, where the environment asks for them
    /// (`RUST_BACKTRACE`, `RUST_LIB_BACKTRACE`). Each takes milliseconds, and groups by frames.
    /// Those of panics come with the panic.
    pub fn without_backtraces(mut self) -> Self {
        self.no_backtraces = true;
        self
    }

    /// Where what is captured is kept.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Which final failures policies and listeners capture, by their class. Default: all but
    /// [`Permanent`](Class::Permanent), [`Ignored`](Class::Ignored) and
    /// [`Cancelled`](Class::Cancelled) ones. What the caller asked wrongly, such as what a classifier
    /// makes of a 404, is not the failure of the service, and should raise no rate of failures.
    ///
    /// ```
    /// use seawall_capture::Capture;
    /// use seawall_core::Class;
    ///
    /// # fn main() -> Result<(), seawall_core::ConfigError> {
    /// // Permanent ones, too.
    /// let capture = Capture::builder()
    ///     .classes(|class| !matches!(class, Class::Ignored | Class::Cancelled))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn classes(mut self, captures: impl Fn(Class) -> bool + Send + Sync + 'static) -> Self {
        self.classes = Some(Arc::new(captures));
        self
    }

    /// Adds an observer that receives each record; may be called more than once.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Builds it.
    pub fn build(self) -> Result<Capture, ConfigError> {
        let check = Check::of(PolicyKind::Capture);
        let host = self.host.unwrap_or_else(host);
        for (field, text) in [
            ("service", &self.service),
            ("version", &self.version),
            ("environment", &self.environment),
            ("host", &host),
        ] {
            let length = text.len();
            let value = format_args!("{length} bytes long");
            check.that(length <= limits::NAME, field, value, "at most 256 bytes long")?;
        }
        let store = match self.store {
            Some(store) => store,
            None => Arc::new(MemoryStore::builder().clock(self.clock.clone()).build()?),
        };
        let origin = Origin::of(&self.service, &self.version, &self.environment, &host);
        Ok(Capture(Arc::new(Inner {
            origin: Arc::new(origin),
            redactor: self.redactor,
            rules: self.rules,
            clock: self.clock,
            backtraces: !self.no_backtraces,
            store,
            observers: self.observers,
            recursion: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            skips: SkipCounts::default(),
            tops: Tops::default(),
            circuits: Circuits::default(),
            classes: self.classes.unwrap_or_else(|| Arc::new(default_classes)),
        })))
    }
}

/// What the system calls this machine, where it says so in a file or in `HOSTNAME`.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME").map_err(|_| ()))
        .unwrap_or_default();
    let name = name.trim();
    if name.len() <= limits::NAME { name.into() } else { String::new() }
}

impl std::fmt::Debug for CaptureBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaptureBuilder")
            .field("service", &self.service)
            .field("version", &self.version)
            .field("environment", &self.environment)
            .field("host", &self.host)
            .field("redactor", &self.redactor)
            .field("rules", &self.rules.len())
            .finish_non_exhaustive()
    }
}
