//! The calls under way, polled in the order in which they were woken.
//!
//! An executor of a few lines, as that of tokio does not say when nothing is left to do: the clock may
//! only be moved on then.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// A call: whether it was answered.
pub type Calling = Pin<Box<dyn Future<Output = bool>>>;

/// Calls that were woken.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    state: Mutex<State>,
    /// The driver polls calls, and looks at what is ready afterwards anyway.
    polling: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    indices: std::collections::VecDeque<u32>,
    driver: Option<Waker>,
}

impl Ready {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_polling(&self) -> bool {
        self.polling.load(Ordering::Relaxed)
    }

    pub(crate) fn set_polling(&self, polling: bool) {
        self.polling.store(polling, Ordering::Relaxed);
    }

    pub(crate) fn pop(&self) -> Option<u32> {
        self.state().indices.pop_front()
    }

    fn push(&self, index: u32) {
        let mut state = self.state();
        state.indices.push_back(index);
        if !self.is_polling()
            && let Some(driver) = state.driver.take()
        {
            drop(state);
            driver.wake();
        }
    }

    pub(crate) fn wake_driver(&self) {
        let driver = self.state().driver.take();
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Whether something is ready; if not, wakes `driver` once it is.
    pub(crate) fn poll_any(&self, driver: &Waker) -> bool {
        let mut state = self.state();
        if !state.indices.is_empty() {
            return true;
        }
        match &mut state.driver {
            Some(known) => known.clone_from(driver),
            none => *none = Some(driver.clone()),
        }
        false
    }
}

/// The calls under way.
#[derive(Default)]
pub(crate) struct Calls {
    slots: Vec<Slot>,
    free: Vec<u32>,
    under_way: usize,
}

struct Slot {
    call: Option<Calling>,
    handle: Arc<Wakes>,
    waker: Waker,
}

#[derive(Debug)]
struct Wakes {
    index: u32,
    woken: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::Relaxed) {
            self.ready.push(self.index);
        }
    }
}

impl Calls {
    pub(crate) fn under_way(&self) -> usize {
        self.under_way
    }

    /// The index that the next call gets.
    pub(crate) fn reserve(&mut self, ready: &Arc<Ready>) -> u32 {
        if let Some(index) = self.free.pop() {
            return index;
        }
        let index = u32::try_from(self.slots.len()).expect("fewer calls at a time than 2^32");
        let handle = Wakes { index, woken: AtomicBool::new(false), ready: Arc::clone(ready) };
        let handle = Arc::new(handle);
        let waker = Waker::from(Arc::clone(&handle));
        self.slots.push(Slot { call: None, handle, waker });
        index
    }

    /// Takes up a call, which is polled soon.
    pub(crate) fn start(&mut self, index: u32, call: Calling) {
        let slot = &mut self.slots[index as usize];
        slot.call = Some(call);
        slot.handle.wake_by_ref();
        self.under_way += 1;
    }

    /// Polls a call; what it came to, once it is over.
    pub(crate) fn poll(&mut self, index: u32) -> Option<bool> {
        let slot = &mut self.slots[index as usize];
        slot.handle.woken.store(false, Ordering::Relaxed);
        let call = slot.call.as_mut()?;
        let Poll::Ready(good) = call.as_mut().poll(&mut Context::from_waker(&slot.waker)) else {
            return None;
        };
        slot.call = None;
        self.free.push(index);
        self.under_way -= 1;
        Some(good)
    }

    /// Gives up what is still under way.
    pub(crate) fn give_up(&mut self) -> Vec<u32> {
        let left = (0..).zip(&mut self.slots);
        left.filter_map(|(index, slot)| slot.call.take().map(|_| index)).collect()
    }
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls").field("under_way", &self.under_way).finish_non_exhaustive()
    }
}
