//! Work that nobody waits for any more.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
        // The result is discarded within, where a panic of its drop is seen.
        runtime.spawn(Watched::new(async move { drop(work.await) }, detached));
    } else {
        detach.shared.dropped.fetch_add(1, Ordering::Relaxed);
        if let Err(report) = contain(|| drop(work)) {
            event::panicked(&detach.timeout.identity, &report);
        }
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
