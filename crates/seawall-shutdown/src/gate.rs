//! The word behind in-flight guards: a count, and whether it may still grow.

use std::task::{Context, Poll};

use crate::sync::{AtomicUsize, Ordering};
use crate::waiting::{Place, Waiting};

/// Nobody may enter any more.
const CLOSED: usize = 1;
/// Somebody waits for the count to reach zero.
const DRAINING: usize = 2;
const FLAGS: usize = CLOSED | DRAINING;
/// One who is inside. Two bits of the word are flags; the rest counts, and can't overflow while
/// each who is inside takes at least a pointer's room.
const ONE: usize = 4;

/// Counts who is inside, refuses newcomers once closed, and wakes who waits for it to be empty.
#[derive(Debug)]
pub(crate) struct Gate {
    word: AtomicUsize,
    waiting: Waiting,
}

/// The gate is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

impl Gate {
    pub(crate) fn new() -> Self {
        Self { word: AtomicUsize::new(0), waiting: Waiting::new() }
    }

    /// Goes in.
    #[inline]
    pub(crate) fn enter(&self) -> Result<(), Closed> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & CLOSED != 0 {
                return Err(Closed);
            }
            // A compare-and-swap, not an add that is taken back: then who is refused never shows
            // in the count, and the gate can't seem busy, or empty out twice, because of him.
            // Relaxed: who comes in learns nothing from the word; `leave` publishes what he did.
            match self.word.compare_exchange_weak(
                word,
                word + ONE,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// Goes out.
    #[inline]
    pub(crate) fn leave(&self) {
        // Release: what was done inside is visible to who sees the gate empty. Acquire, for the
        // last one: a waiter that registered before it set DRAINING is seen below.
        let before = self.word.fetch_sub(ONE, Ordering::AcqRel);
        if before & DRAINING != 0 && before & !FLAGS == ONE {
            self.waiting.wake_all();
        }
    }

    /// How many are inside.
    pub(crate) fn inside(&self) -> usize {
        self.word.load(Ordering::Acquire) / ONE
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Lets nobody in from now on.
    pub(crate) fn close(&self) {
        self.word.fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Ready when the gate is empty, and closed by then: it closes in the step in which it is
    /// found empty, so nobody comes in after it was seen drained. Until then who polls is woken in
    /// `place`, and has to [give it up](Self::leave_place) when he goes.
    pub(crate) fn poll_drained(&self, place: &mut Place, cx: &mut Context<'_>) -> Poll<()> {
        if self.close_if_empty() {
            return Poll::Ready(());
        }
        // Registered first and looked at again after: the last one out either finds the waker
        // under the lock, or had taken the lock before, and then its `fetch_sub` is visible here.
        self.waiting.wait(place, cx.waker());
        if self.close_if_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn close_if_empty(&self) -> bool {
        let word = self.word.fetch_or(DRAINING, Ordering::AcqRel) | DRAINING;
        if word & !FLAGS != 0 {
            return false;
        }
        word & CLOSED != 0
            || self
                .word
                .compare_exchange(DRAINING, FLAGS, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
            // Somebody closed it in between: empty it was, and empty it stays.
            || self.word.load(Ordering::Acquire) == FLAGS
    }

    pub(crate) fn leave_place(&self, place: &Place) {
        self.waiting.leave(place);
    }
}
