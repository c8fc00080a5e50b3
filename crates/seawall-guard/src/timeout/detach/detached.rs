//! Work that nobody waits for any more.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use seawall_core::{PanicReport, contain};
use tokio::runtime::Handle;

use super::super::event;
use super::Detach;
use super::future::Boxed;
use crate::places::{Place, Places};
use crate::watched::{End, Watch, Watched};

/// Lets `work` go on without a caller.
pub(super) fn go_on<Fut, T, E>(detach: &Detach, work: Boxed<Fut>)
where
    Fut: Future<Output = Result<T, E>> + Send + 'static,
{
    let runtime = Handle::try_current().ok();
    let place = || Places::take(Arc::clone(&detach.shared.places));
    let admitted = runtime.and_then(|runtime| Some((runtime, place()?)));
    if let Some((runtime, place)) = admitted {
        let detached = Detached { detach: detach.clone(), end: End::Cancelled, _place: place };
        runtime.spawn(Watched::new(Discarded(work), detached));
    } else {
        detach.shared.dropped.fetch_add(1, Ordering::Relaxed);
        if let Err(report) = contain(|| drop(work)) {
            event::panicked(&detach.timeout.identity, &report);
        }
    }
}

/// Work whose result is discarded within, where a panic of its drop is seen. No async block: one that
/// is left by a panic drops what it holds on the way, where another panic ends the process.
struct Discarded<Fut>(Boxed<Fut>);

impl<Fut, T, E> Future for Discarded<Fut>
where
    Fut: Future<Output = Result<T, E>>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx).map(drop)
    }
}

/// Watches work that goes on, and counts how it ended when it is dropped, so each piece is counted
/// exactly once, however it ends.
struct Detached {
    detach: Detach,
    end: End,
    // Given back when the end is counted.
    _place: Place<Arc<Places>>,
}

impl Watch for Detached {
    fn panicked(&self, report: &PanicReport) {
        event::panicked(&self.detach.timeout.identity, report);
    }

    fn over(&mut self, end: End) {
        self.end = end;
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        let shared = &*self.detach.shared;
        let ended = match self.end {
            End::Finished => &shared.discarded,
            End::Panicked => &shared.panicked,
            End::Cancelled => &shared.cancelled,
        };
        ended.fetch_add(1, Ordering::Relaxed);
    }
}
