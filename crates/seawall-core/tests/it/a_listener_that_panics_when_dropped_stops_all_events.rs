//! A listener took itself off the list, and panicked when it was dropped, which was after it had
//! been called: the panic got out into the policy, and ordered events were never delivered again.

use std::sync::{Arc, Mutex, OnceLock};

use seawall_core::{Event, EventKind, Listener, ListenerId, Listeners, Name, PolicyKind};
use tokio::time::Instant;

struct Leaves {
    listeners: Listeners,
    id: Arc<OnceLock<ListenerId>>,
}

impl Listener for Leaves {
    fn on_event(&self, _: &Event) {
        assert!(self.listeners.remove(*self.id.get().expect("added")));
    }
}

impl Drop for Leaves {
    fn drop(&mut self) {
        panic!("touched");
    }
}

fn event() -> Event {
    Event::new(Name::from("any"), PolicyKind::Retry, Instant::now(), EventKind::restarted(1))
}

fn with_one_that_leaves() -> (Listeners, Arc<Mutex<u32>>) {
    let listeners = Listeners::default();
    let id = Arc::new(OnceLock::new());
    let leaves = Leaves { listeners: listeners.clone(), id: Arc::clone(&id) };
    id.set(listeners.add(leaves)).expect("set once");
    let heard = Arc::new(Mutex::new(0));
    let count = Arc::clone(&heard);
    listeners.add(move |_: &Event| *count.lock().unwrap() += 1);
    (listeners, heard)
}

#[test]
fn its_panic_is_contained_and_counted() {
    let (listeners, heard) = with_one_that_leaves();
    listeners.emit(event);
    listeners.emit(event);
    assert_eq!((*heard.lock().unwrap(), listeners.panics()), (2, 1));
}

#[test]
fn ordered_events_go_on() {
    let (listeners, heard) = with_one_that_leaves();
    for _ in 0..3 {
        listeners.queue(event);
        listeners.deliver();
    }
    assert_eq!((*heard.lock().unwrap(), listeners.panics()), (3, 1));
}
