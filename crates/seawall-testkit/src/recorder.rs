use std::sync::Arc;

use parking_lot::Mutex;
use seawall_core::{Event, EventKind, Listener, ListenerIdentity, Transition};

/// A listener that keeps the events it receives. Clones share them: add one, keep one.
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

    fn identity(&self) -> Option<ListenerIdentity> {
        Some(ListenerIdentity::of(&*self.0))
    }
}

impl Recorder {
    /// The kinds of the events so far, [by name](EventKind::as_str).
    pub fn kinds(&self) -> Vec<&'static str> {
        self.0.lock().iter().map(|event| event.kind.as_str()).collect()
    }

    /// Asserts that exactly events of these kinds were received, in this order, and removes them.
    ///
    /// # Panics
    ///
    /// If there are others. The message has a line for each event.
    #[track_caller]
    pub fn assert_kinds(&self, expected: &[&str]) {
        let events = self.take();
        let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
        let lines: Vec<_> = events.iter().map(ToString::to_string).collect();
        let lines = lines.join("\n  ");
        assert!(kinds == expected, "expected {expected:?}, but the events are\n  {lines}");
    }

    /// The events so far.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().clone()
    }

    /// The events so far, which are removed.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock())
    }

    /// What `pick` returns for each event, where it returns something.
    pub fn pick<T>(&self, pick: impl FnMut(&EventKind) -> Option<T>) -> Vec<T> {
        let mut pick = pick;
        self.0.lock().iter().filter_map(|event| pick(&event.kind)).collect()
    }

    /// How many events `is` is true for.
    pub fn count(&self, mut is: impl FnMut(&EventKind) -> bool) -> usize {
        self.0.lock().iter().filter(|event| is(&event.kind)).count()
    }

    /// The transitions of circuits, in order.
    pub fn transitions(&self) -> Vec<Transition> {
        self.pick(|kind| match kind {
            EventKind::Transition(transition) => Some(transition.clone()),
            _ => None,
        })
    }

    /// The transitions of circuits as lines of `from → to`.
    pub fn path(&self) -> Vec<String> {
        let step = |t: &Transition| format!("{} → {}", t.from, t.to);
        self.transitions().iter().map(step).collect()
    }
}
