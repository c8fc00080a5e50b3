//! The way in: redacts, groups, hands to the store.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use seawall_core::{Class, Error, Name, PanicReport, contain};

use crate::fingerprint::{Rules, group};
use crate::join::{
    CaptureFailures, CaptureListener, Circuits, Classes, NoteAttempts, SkipCounts, Skipped, Tops,
};
use crate::record::{Origin, Spare, frames_of, limits};
use crate::store::{DropReason, Seen, Store};
use crate::text::assign;
use crate::{Clock, Draft, Record, Redactor, context};

pub use config::CaptureBuilder;
pub use delivering::delivering;
use scratch::{Scratch, with_scratch};

mod apart;
mod config;
mod delivering;
mod scratch;

/// Captures failures. Clones share it.
///
/// Capturing never blocks, never fails and never panics, whatever the error's `Display` does. What
/// can't be kept is counted.
///
/// ```
/// use seawall_capture::{Capture, MemoryStore};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::default();
/// let capture = Capture::builder().service("billing").store(store.clone()).build()?;
/// for n in 1..=3 {
///     if let Err(error) = format!("12x{n}").parse::<u32>() {
///         capture.error(&error);
///     }
/// }
/// let groups = store.list(&Default::default());
/// assert_eq!((groups.len(), groups[0].count), (1, 3));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Capture(Arc<Inner>);

struct Inner {
    origin: Arc<Origin>,
    redactor: Redactor,
    rules: Rules,
    clock: Clock,
    backtraces: bool,
    store: Arc<dyn Store>,
    observers: Vec<Box<dyn Observer>>,
    recursion: AtomicU64,
    panics: AtomicU64,
    skips: SkipCounts,
    tops: Tops,
    circuits: Circuits,
    classes: Classes,
}

/// Receives each record after it was stored, on the thread that captured it. Should be quick; its
/// panic is contained. What it captures itself, by this or another [`Capture`], is counted as a
/// [recursion](Capture::recursions) and dropped.
pub trait Observer: Send + Sync + 'static {
    /// `record` was captured, and the store says what it is.
    fn on_record(&self, record: &Record, seen: Seen);
}

impl<F: Fn(&Record, Seen) + Send + Sync + 'static> Observer for F {
    fn on_record(&self, record: &Record, seen: Seen) {
        self(record, seen);
    }
}

impl Capture {
    /// A builder with the defaults.
    pub fn builder() -> CaptureBuilder {
        CaptureBuilder::default()
    }

    /// Captures an error of a known type, with all that it was caused by.
    #[track_caller]
    pub fn error<E: StdError + 'static>(&self, error: &E) -> Seen {
        self.capture(Location::caller(), |record, spare| record.fill_typed(error, spare))
    }

    /// Captures an error whose type is not known, with all that it was caused by.
    #[track_caller]
    pub fn dyn_error(&self, error: &(dyn StdError + 'static)) -> Seen {
        self.capture(Location::caller(), |record, spare| record.fill_error(error, spare))
    }

    /// Captures a panic that was caught.
    #[track_caller]
    pub fn panic(&self, report: &PanicReport) -> Seen {
        self.capture(Location::caller(), |record, _| record.fill_panic(report))
    }

    /// Captures the final failure of a call, whatever its class. Captures cancelled and ignored calls,
    /// too; filter them before calling this.
    #[track_caller]
    pub fn failure<E: StdError + 'static>(&self, error: &Error<E>) -> Seen {
        self.failure_at(error, Location::caller(), |_| {})
    }

    pub(crate) fn failure_at<E: StdError + 'static>(
        &self,
        error: &Error<E>,
        location: &'static Location<'static>,
        mark: impl FnOnce(&mut Record),
    ) -> Seen {
        self.capture(location, |record, spare| {
            record.fill_failure(error, spare);
            mark(record);
        })
    }

    /// Captures what the caller says.
    pub fn record(&self, draft: Draft) -> Seen {
        self.enter(|| self.apart(|| self.keep(&self.prepare(draft))))
    }

    /// The record that `draft` becomes, which is not stored.
    pub fn prepare(&self, draft: Draft) -> Record {
        let Draft { mut record, explicit, at, version } = draft;
        let inner = &*self.0;
        let mut text = String::new();
        record.origin = match version {
            Some(version) => Arc::new(Origin { version, ..(*inner.origin).clone() }),
            None => Arc::clone(&inner.origin),
        };
        record.at = at.unwrap_or_else(|| inner.clock.now());
        context::fill(&mut record);
        record.redact(&inner.redactor, &mut text);
        let explicit = explicit.map(|mut key| {
            inner.redactor.apply(&mut key, limits::VALUE, &mut text);
            key
        });
        group(&mut record, explicit.as_deref(), &inner.rules, &mut text);
        *record
    }

    /// Runs `work`, in which this thread captures nothing else: whatever an error's `Display`, a
    /// redaction rule, the store or an observer does.
    fn enter(&self, work: impl FnOnce() -> Seen) -> Seen {
        if delivering::is_delivering() {
            return self.recursion();
        }
        delivering(|| contain(work)).unwrap_or_else(|_| self.panicked())
    }

    fn capture(
        &self,
        location: &'static Location<'static>,
        fill: impl FnOnce(&mut Record, &mut Spare),
    ) -> Seen {
        self.enter(|| with_scratch(|scratch| self.work(scratch, location, fill)))
    }

    fn work(
        &self,
        scratch: &mut Scratch,
        location: &'static Location<'static>,
        fill: impl FnOnce(&mut Record, &mut Spare),
    ) -> Seen {
        let inner = &*self.0;
        scratch.record.clear(&mut scratch.spare);
        fill(&mut scratch.record, &mut scratch.spare);
        scratch.set_location(location);
        let Scratch { record, text, .. } = scratch;
        if inner.backtraces && record.details.frames.is_empty() {
            let backtrace = Backtrace::capture();
            if backtrace.status() == BacktraceStatus::Captured {
                record.details.frames = frames_of(&backtrace.to_string());
            }
        }
        if !Arc::ptr_eq(&record.origin, &inner.origin) {
            record.origin = Arc::clone(&inner.origin);
        }
        record.at = inner.clock.now();
        context::fill(record);
        self.apart(|| {
            record.redact(&inner.redactor, text);
            group(record, None, &inner.rules, text);
            self.keep(record)
        })
    }

    fn keep(&self, record: &Record) -> Seen {
        let seen = self.0.store.record(record);
        for observer in &self.0.observers {
            if contain(|| observer.on_record(record, seen)).is_err() {
                self.0.panics.fetch_add(1, Ordering::Relaxed);
            }
        }
        seen
    }

    fn recursion(&self) -> Seen {
        self.0.recursion.fetch_add(1, Ordering::Relaxed);
        Seen::Dropped(DropReason::Recursion)
    }

    fn panicked(&self) -> Seen {
        self.0.panics.fetch_add(1, Ordering::Relaxed);
        Seen::Dropped(DropReason::Panicked)
    }

    /// Lets `look` see what `error` would be as a record, which is not kept. Does nothing in the
    /// middle of a capture.
    pub(crate) fn look_at<E: StdError + 'static>(
        &self,
        error: &Error<E>,
        look: impl FnOnce(&Record),
    ) {
        if delivering::is_delivering() {
            return;
        }
        let work = |scratch: &mut Scratch| {
            let Scratch { record, spare, text, .. } = scratch;
            record.clear(spare);
            record.fill_failure(error, spare);
            record.redact(&self.0.redactor, text);
            group(record, None, &self.0.rules, text);
            look(record);
        };
        // A panic leaves nothing behind but a scratch that is cleared before it is used.
        let _ = delivering(|| contain(|| with_scratch(work)));
    }

    /// A policy that captures the final failure of a call: the outermost layer of a pipeline.
    #[track_caller]
    pub fn final_failures(&self, name: impl Into<Name>) -> CaptureFailures {
        CaptureFailures::new(self.clone(), name.into())
    }

    /// A policy that notes what attempts fail of, for the breaker called `name`: the innermost
    /// layer of a pipeline.
    pub fn note_attempts(&self, name: impl Into<Name>) -> NoteAttempts {
        let name = name.into();
        let top = self.0.tops.of(&name);
        NoteAttempts::new(self.clone(), name, top)
    }

    /// A listener that captures what policies report.
    #[track_caller]
    pub fn listener(&self) -> CaptureListener {
        CaptureListener::new(self.clone(), Location::caller())
    }

    /// Whether a final failure of `class` is captured.
    pub(crate) fn captures(&self, class: Class) -> bool {
        (self.0.classes)(class)
    }

    pub(crate) fn circuits(&self) -> &Circuits {
        &self.0.circuits
    }

    /// What was not captured, on purpose.
    pub fn skipped(&self) -> Skipped {
        self.0.skips.get()
    }

    pub(crate) fn skips(&self) -> &SkipCounts {
        &self.0.skips
    }

    pub(crate) fn tops(&self) -> &Tops {
        &self.0.tops
    }

    /// What takes out what must not be kept.
    pub fn redactor(&self) -> &Redactor {
        &self.0.redactor
    }

    /// Where what is captured is kept.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// What records say of the process.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// How many captures came out of the capture or the delivery of another, and were dropped.
    pub fn recursions(&self) -> u64 {
        self.0.recursion.load(Ordering::Relaxed)
    }

    /// How often the store or an observer panicked.
    pub fn panics(&self) -> u64 {
        self.0.panics.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture")
            .field("origin", &self.0.origin)
            .field("recursions", &self.recursions())
            .field("panics", &self.panics())
            .finish_non_exhaustive()
    }
}

impl Origin {
    pub(crate) fn of(service: &str, version: &str, environment: &str, host: &str) -> Self {
        let mut origin = Self::default();
        assign(&mut origin.service, limits::NAME, service);
        assign(&mut origin.version, limits::NAME, version);
        assign(&mut origin.environment, limits::NAME, environment);
        assign(&mut origin.host, limits::NAME, host);
        origin
    }
}
