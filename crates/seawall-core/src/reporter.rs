//! What a policy reports, and under which name.

use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

use crate::counted::Counts;
use crate::{
    Counted, Event, EventKind, Inspect, InspectId, Listeners, Measures, Name, PolicyKind, Reason,
    Rejection,
};

/// The name and kind of a policy, and the listeners that receive its events.
///
/// Each handle of a policy keeps one of these and reports through it. Where nobody listens a report
/// costs a load or two and makes no event. Report outside of every lock: listeners are the user's
/// code.
///
/// The policy's own listeners are the same for all its handles. A handle in a pipeline reports to
/// those of the pipeline, too: see [`Policy::heard_by`](crate::Policy::heard_by).
#[derive(Clone, Debug)]
pub struct Reporter {
    // One reference count for a clone, whatever there is to know.
    policy: Arc<Reported>,
    pipeline: Option<Listeners>,
}

#[derive(Debug)]
struct Reported {
    name: Name,
    kind: PolicyKind,
    listeners: Listeners,
    /// Made when the first is counted: most keys of a set never have any.
    counts: OnceLock<Box<Counts>>,
}

/// A policy that has no more to show than its name, its kind and what it
/// [counts](Reporter::count).
impl Inspect for Reporter {
    fn reporter(&self) -> &Reporter {
        self
    }
}

impl Reporter {
    /// Reports to `listeners` as the policy `name` of kind `kind`.
    pub fn new(name: Name, kind: PolicyKind, listeners: Listeners) -> Self {
        let reported = Reported { name, kind, listeners, counts: OnceLock::new() };
        Self { policy: Arc::new(reported), pipeline: None }
    }

    /// The same for a handle in a pipeline, whose `listeners` receive the events of its calls, too.
    /// One that is in both sets receives an event once.
    #[must_use]
    pub fn heard_by(mut self, listeners: &Listeners) -> Self {
        let own = self.listeners().is_same_as(listeners);
        self.pipeline = (!own).then(|| listeners.clone());
        self
    }

    /// The policy's name.
    pub fn name(&self) -> &Name {
        &self.policy.name
    }

    /// Its kind.
    pub fn kind(&self) -> PolicyKind {
        self.policy.kind
    }

    /// The policy's identity: that of all clones of this reporter, in pipelines, too.
    pub fn id(&self) -> InspectId {
        InspectId::of(&*self.policy)
    }

    /// The policy's own listeners, which receive the events of all its handles.
    pub fn listeners(&self) -> &Listeners {
        &self.policy.listeners
    }

    /// The listeners of the pipeline that the handle is in, unless they are the policy's own.
    pub const fn pipeline(&self) -> Option<&Listeners> {
        self.pipeline.as_ref()
    }

    /// The same under the name `name[key]`.
    #[must_use]
    pub fn for_key(&self, key: impl std::fmt::Display) -> Self {
        let name = self.name().for_key(key);
        let listeners = self.listeners().clone();
        let policy = Reported { name, kind: self.kind(), listeners, counts: OnceLock::new() };
        Self { policy: Arc::new(policy), pipeline: self.pipeline.clone() }
    }

    /// Counts `what`, whether anybody listens or not. Telemetry reads the total by
    /// [`measure`](Self::measure). One addition; the first allocates.
    pub fn count(&self, what: Counted) {
        match self.policy.counts.get() {
            Some(counts) => counts.add(what),
            None => self.count_first(what),
        }
    }

    #[cold]
    fn count_first(&self, what: Counted) {
        self.policy.counts.get_or_init(Box::default).add(what);
    }

    /// How often `what` was counted since the policy was made.
    pub fn counted(&self, what: Counted) -> u64 {
        self.policy.counts.get().map_or(0, |counts| counts.get(what))
    }

    /// Gives `measures` what was [counted](Self::count).
    pub fn measure(&self, measures: &mut dyn Measures) {
        if let Some(counts) = self.policy.counts.get() {
            counts.measure(measures);
        }
    }

    /// Whether anybody listens.
    #[inline]
    pub fn is_heard(&self) -> bool {
        !self.listeners().is_empty() || self.pipeline.as_ref().is_some_and(|it| !it.is_empty())
    }

    /// Reports what happened now. `kind` is made only if somebody listens.
    pub fn report(&self, kind: impl FnOnce() -> EventKind) {
        if self.is_heard() {
            self.report_at(Instant::now(), kind());
        }
    }

    /// Reports what happened at `at`.
    pub fn report_at(&self, at: Instant, kind: EventKind) {
        if self.is_heard() {
            self.listeners().emit_with(self.pipeline(), self.event(at, kind));
        }
    }

    /// Queues what happened at `at`, to be reported in the order of these calls: under the lock
    /// that orders the events, with [`deliver`](Self::deliver) after it was released.
    pub fn queue(&self, at: Instant, kind: EventKind) {
        if self.is_heard() {
            self.listeners().queue_with(self.pipeline(), self.event(at, kind));
        }
    }

    /// Reports what is queued.
    pub fn deliver(&self) {
        self.listeners().deliver();
    }

    /// A rejection by this policy, which is not reported yet.
    #[inline]
    pub fn rejection(&self, reason: Reason) -> Rejection {
        Rejection::new(self.name().clone(), self.kind(), reason)
    }

    /// Refuses a call: counts it, makes the rejection and reports it.
    pub fn refuse(&self, reason: Reason) -> Rejection {
        self.count(Counted::Refused(reason));
        self.refused(self.rejection(reason))
    }

    /// Reports a rejection that was [counted](Self::count), and returns it.
    #[inline]
    pub fn refused(&self, rejection: Rejection) -> Rejection {
        if self.is_heard() { self.report_refused(rejection) } else { rejection }
    }

    // Out of line, so that a refusal that no listener receives is built where the caller wants it.
    #[cold]
    fn report_refused(&self, rejection: Rejection) -> Rejection {
        self.report_at(Instant::now(), EventKind::Rejected(rejection.clone()));
        rejection
    }

    fn event(&self, at: Instant, kind: EventKind) -> Event {
        Event::new(self.name().clone(), self.kind(), at, kind)
    }
}
