//! Wakers run the executor's code: none of it under a lock, and a panic in one leaves no other
//! waiter asleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Wake, Waker};

use seawall_core::{WakerSlot, Wakers, catch};

#[derive(Default)]
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

struct Panicking;

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        panic!("a waker's own fault");
    }
}

/// Uses the list when it is dropped.
struct Asking(Arc<Wakers>);

impl Wake for Asking {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.wake_all();
        panic!("a waker's own fault");
    }
}

fn register(wakers: &Wakers, waker: &Waker) -> WakerSlot {
    let mut slot = WakerSlot::default();
    wakers.register(&mut slot, waker);
    slot
}

#[test]
fn a_waker_that_panics_leaves_no_other_asleep() {
    let wakers = Wakers::new();
    let count = Arc::new(Counting::default());
    let counting = Waker::from(Arc::clone(&count));
    register(&wakers, &counting);
    register(&wakers, &Waker::from(Arc::new(Panicking)));
    register(&wakers, &counting);
    assert!(catch(|| wakers.wake_all()).is_ok());
    assert_eq!(count.0.load(Relaxed), 2);
}

#[test]
fn a_slot_holds_the_latest_waker_and_none_after_it_was_removed() {
    let wakers = Wakers::new();
    let [first, second] = [(); 2].map(|()| Arc::new(Counting::default()));
    let mut slot = register(&wakers, &Waker::from(Arc::clone(&first)));
    wakers.register(&mut slot, &Waker::from(Arc::clone(&second)));
    wakers.wake_all();
    wakers.register(&mut slot, &Waker::from(Arc::clone(&second)));
    wakers.remove(&slot);
    wakers.wake_all();
    assert_eq!((first.0.load(Relaxed), second.0.load(Relaxed)), (0, 1));
    assert_eq!(Arc::strong_count(&second), 1, "its waker was dropped");
}

#[test]
fn a_waker_may_use_the_list_and_panic_when_it_is_dropped() {
    let wakers = Arc::new(Wakers::new());
    let leave = |wakers: &Wakers, slot: &mut WakerSlot| wakers.remove(slot);
    let replace = |wakers: &Wakers, slot: &mut WakerSlot| wakers.register(slot, Waker::noop());
    for leave in [leave as fn(&Wakers, &mut WakerSlot), replace] {
        let asking = Waker::from(Arc::new(Asking(Arc::clone(&wakers))));
        let mut slot = register(&wakers, &asking);
        drop(asking);
        assert!(catch(|| leave(&wakers, &mut slot)).is_ok());
    }
}
