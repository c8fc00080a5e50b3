//! The listener.

use std::panic::Location;

use seawall_core::{
    Cause, CircuitState, Class, Event, EventKind, Listener, ListenerIdentity, Scope, Transition,
};

use super::is_inside;
use crate::{Capture, Draft, Kind, Observability, Severity};

/// Turns events of policies into records:
///
/// - a breaker that opens: always. The values `failed.1` to `failed.3` hold what its attempts failed
///   of most, each as `<fingerprint> <count> <description>`.
/// - a panic that a guard caught, the end of a policy that repeats, a timeout of a whole call: where
///   no [`CaptureFailures`](super::CaptureFailures) captures them with more in hand.
///
/// Attempts that another follows are [counted](super::Skipped::retried).
///
/// Where a [`NoteAttempts`](super::NoteAttempts) of the breaker's name notes what attempts fail
/// of, the event of the opening itself gets the most frequent as its
/// [causes](Transition::causes), before any listener receives it, so every log line says what
/// failed. Counting begins again with each opening, also in shadow.
#[derive(Clone, Debug)]
pub struct CaptureListener {
    capture: Capture,
    /// Where it was made: events come from no place in the application.
    location: &'static Location<'static>,
}

impl CaptureListener {
    pub(crate) const fn new(capture: Capture, location: &'static Location<'static>) -> Self {
        Self { capture, location }
    }

    fn record(&self, draft: Draft) {
        self.capture.record(draft.located(self.location));
    }

    fn opened(&self, event: &Event, transition: &Transition) {
        let name = event.policy.as_str();
        let message = event.to_string();
        let mut draft = Draft::new("seawall::CircuitOpened", &message)
            .description(&message)
            .fingerprint(format!("circuit opened: {name}"))
            .severity(Severity::High)
            .kind(Kind::Integration)
            .observability(Observability::Environmental)
            .source(name);
        if let Some(evidence) = &transition.evidence {
            draft = draft.value("evidence", &evidence.to_string());
        }
        for (place, cause) in (1..).zip(&transition.causes) {
            let text = format!("{} {} {}", cause.fingerprint, cause.count, cause.description);
            draft = draft.value(&format!("failed.{place}"), &text);
        }
        let generation = transition.generation.to_string();
        draft = draft.value("circuit", transition.to.as_str()).value("generation", &generation);
        if let Some(retry_after) = transition.retry_after {
            draft = draft.value("retry_after", &format!("{retry_after:?}"));
        }
        self.record(draft);
    }

    /// A final failure that only the event tells of.
    fn failed(&self, event: &Event, class: Class, draft: impl FnOnce() -> Draft) {
        if self.capture.is_final(class, None) {
            self.record(draft().source(event.policy.as_str()));
        }
    }
}

impl Listener for CaptureListener {
    fn causes(&self, opening: &Event) -> Vec<Cause> {
        let kinds =
            self.capture.tops().get(&opening.policy).map(|top| top.take()).unwrap_or_default();
        let kinds = kinds.into_iter().take(Transition::MAX_CAUSES);
        kinds.map(|k| Cause::new(k.fingerprint.to_string(), k.description, k.count)).collect()
    }

    fn identity(&self) -> Option<ListenerIdentity> {
        Some(ListenerIdentity::of(self.capture.circuits()))
    }

    fn on_event(&self, event: &Event) {
        let name = event.policy.as_str();
        match &event.kind {
            EventKind::Transition(transition) => {
                self.capture.circuits().set(&event.policy, transition.to);
                if transition.to == CircuitState::Open {
                    self.opened(event, transition);
                }
            }
            EventKind::Retrying { .. } => self.capture.skips().retried(),
            EventKind::Panicked(report) if !is_inside() => {
                self.failed(event, Class::Panicked, || Draft::panic(report));
            }
            EventKind::GaveUp { class, .. } if !is_inside() => self.failed(event, *class, || {
                Draft::new("seawall::GaveUp", &event.to_string())
                    .fingerprint(format!("gave up: {name}, {}", class.as_str()))
            }),
            EventKind::TimedOut(timed_out) if timed_out.scope() == Scope::Total && !is_inside() => {
                self.failed(event, Class::Transient, || {
                    Draft::new(&format!("seawall::TimedOut[{name}]"), &timed_out.to_string())
                        .kind(Kind::Performance)
                });
            }
            _ => {}
        }
    }
}
