use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use parking_lot::Mutex;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Whether a token is cancelled, in one load: the token itself takes a lock, which all calls of a
/// process would share.
pub(super) struct TokenFlag {
    flag: Arc<Flag>,
    // Waits with `flag` as its waker for as long as this lives.
    _waiting: Mutex<Pin<Box<WaitForCancellationFutureOwned>>>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl TokenFlag {
    pub(super) fn new(token: CancellationToken) -> Self {
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let mut waiting = Box::pin(token.cancelled_owned());
        let waker = Waker::from(Arc::clone(&flag));
        if waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            flag.0.store(true, Ordering::Release);
        }
        Self { flag, _waiting: Mutex::new(waiting) }
    }

    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.flag.0.load(Ordering::Acquire)
    }
}
