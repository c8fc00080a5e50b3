//! The word behind in-flight guards: a count, and whether it may still grow.

use std::task::{Context, Poll};

use seawall_core::sync::{AtomicUsize, Ordering};
use seawall_core::{WakerSlot, Wakers};

/// The count does not grow any more.
const CLOSED: usize = 1;
/// Somebody waits for the count to reach zero.
const DRAINING: usize = 2;
const FLAGS: usize = CLOSED | DRAINING;
/// One holder. Two bits of the word are flags; the rest counts, and can't overflow while each
/// holder takes at least the room of a pointer.
const ONE: usize = 4;

/// Counts holders, refuses new ones once it is closed, and wakes those that wait for it to be zero.
#[derive(Debug)]
pub(crate) struct ClosableCount {
    word: AtomicUsize,
    waiters: Wakers,
}

/// The count is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

impl ClosableCount {
    pub(crate) fn new() -> Self {
        Self { word: AtomicUsize::new(0), waiters: Wakers::new() }
    }

    /// Counts a holder in.
    #[inline]
    pub(crate) fn try_acquire(&self) -> Result<(), Closed> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & CLOSED != 0 {
                return Err(Closed);
            }
            // A compare-and-swap, not an add that is taken back: a refused caller never shows in
            // the count, so it can't make the count seem busy, or reach zero twice.
            // Relaxed: a new holder learns nothing from the word; `release` publishes what the
            // holder did.
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

    /// Counts a holder out.
    #[inline]
    pub(crate) fn release(&self) {
        // Release: what the holder did is visible to a thread that sees the count at zero.
        // Acquire, for the last one: a waiter that registered before it set DRAINING is seen
        // below.
        let before = self.word.fetch_sub(ONE, Ordering::AcqRel);
        if before | CLOSED == ONE | FLAGS {
            self.waiters.wake_all();
        }
    }

    /// The number of holders.
    pub(crate) fn count(&self) -> usize {
        self.word.load(Ordering::Acquire) / ONE
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Refuses new holders from now on.
    pub(crate) fn close(&self) {
        self.word.fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Ready when the count is zero, and closed by then: it is closed in the step in which it is
    /// found to be zero, so no holder is counted in after it was seen drained. Until then the
    /// caller's waker is in `slot`, and must be [removed](Self::leave) when it stops waiting.
    pub(crate) fn poll_drained(&self, slot: &mut WakerSlot, cx: &mut Context<'_>) -> Poll<()> {
        if self.close_if_zero() {
            return Poll::Ready(());
        }
        // Registered first and looked at again after: the last holder either finds the waker under
        // the lock, or took the lock before, and then its `fetch_sub` is visible here.
        self.waiters.register(slot, cx.waker());
        if self.close_if_zero() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn close_if_zero(&self) -> bool {
        let word = self.word.fetch_or(DRAINING, Ordering::AcqRel) | DRAINING;
        if word & !FLAGS != 0 {
            return false;
        }
        word & CLOSED != 0
            || self
                .word
                .compare_exchange(DRAINING, FLAGS, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
            // Another thread closed it in between: it was zero, and it stays zero.
            || self.word.load(Ordering::Acquire) == FLAGS
    }

    pub(crate) fn leave(&self, slot: &WakerSlot) {
        self.waiters.remove(slot);
    }
}
