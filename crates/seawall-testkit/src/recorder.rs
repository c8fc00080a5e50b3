use std::sync::Arc;

use parking_lot::Mutex;
use seawall_core::{Event, EventKind, Listener, Transition};

/// A listener that keeps what it hears. Clones share it: add one, keep one.
///
/// ```
/// use seawall_core::Listeners;
/// use seawall_testkit::Recorder;
///
/// let listeners = Listeners::default();
/// let recorder = Recorder::default();
/// listeners.add(recorder.clone());
/// assert!(recorder.events().is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Vec<Event>>>);

impl Listener for Recorder {
    fn on_event(&self, event: &Event) {
        self.0.lock().push(event.clone());
    }
}

impl Recorder {
    /// What was heard so far.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().clone()
    }

    /// What was heard so far, which is forgotten.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock())
    }

    /// The events that `pick` picks.
    pub fn pick<T>(&self, pick: impl FnMut(&EventKind) -> Option<T>) -> Vec<T> {
        let mut pick = pick;
        self.0.lock().iter().filter_map(|event| pick(&event.kind)).collect()
    }

    /// How many events `is` holds for.
    pub fn count(&self, mut is: impl FnMut(&EventKind) -> bool) -> usize {
        self.0.lock().iter().filter(|event| is(&event.kind)).count()
    }

    /// The transitions, in the order in which they were heard.
    pub fn transitions(&self) -> Vec<Transition> {
        self.pick(|kind| match kind {
            EventKind::Transition(transition) => Some(transition.clone()),
            _ => None,
        })
    }

    /// The transitions as lines of `from → to`.
    pub fn path(&self) -> Vec<String> {
        let step = |t: &Transition| format!("{} → {}", t.from, t.to);
        self.transitions().iter().map(step).collect()
    }
}
