//! The listener.

use seawall_core::{Cause, CircuitState, Class, Event, EventKind, Listener, Scope, Transition};

use super::is_inside;
use crate::{Capture, Draft, Kind, Observability, Severity};

/// Turns events of policies into records:
///
/// - a breaker that opens: always. The values `failed.1` to `failed.3` hold what its attempts failed
///   of most, each as `<fingerprint> <count> <description>`.
/// - a panic that a guard caught, the end of a policy that repeats, a timeout of a whole call: where
///   no [`CaptureFinal`](super::CaptureFinal) captures them with more in hand.
///
/// Attempts that another follows are [counted](super::Skipped::retried).
///
/// Where a [`CaptureAttempts`](super::CaptureAttempts) of the breaker's name notes what attempts fail
/// of, the event of the opening itself gets the most frequent as its
/// [causes](Transition::causes), before any listener is told of it: whoever logs it says what
/// failed. Counting begins anew with each opening, in shadow, too.
#[derive(Clone, Debug)]
pub struct CaptureListener(Capture);

impl CaptureListener {
    pub(crate) const fn new(capture: Capture) -> Self {
        Self(capture)
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
        self.0.record(draft);
    }

    /// A final failure that only the event tells of.
    fn failed(&self, event: &Event, class: Class, draft: impl FnOnce() -> Draft) {
        if self.0.skips().is_final(class) {
            self.0.record(draft().source(event.policy.as_str()));
        }
    }
}

impl Listener for CaptureListener {
    fn causes(&self, opening: &Event) -> Vec<Cause> {
        let kinds = self.0.tops().get(&opening.policy).map(|top| top.take()).unwrap_or_default();
        let kinds = kinds.into_iter().take(Transition::MAX_CAUSES);
        kinds.map(|k| Cause::new(k.fingerprint.to_string(), k.description, k.count)).collect()
    }

    fn on_event(&self, event: &Event) {
        let name = event.policy.as_str();
        match &event.kind {
            EventKind::Transition(transition) if transition.to == CircuitState::Open => {
                self.opened(event, transition);
            }
            EventKind::Retrying { .. } => self.0.skips().retried(),
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
