//! The place of an answer that goes on to arrive after its call has ended.

use std::sync::Arc;

use super::machine::Machine;
use super::shared::Shared;

/// The place of an answer that goes on to arrive after its call has ended: the body of a response, for
/// instance. Made by [`CongestionControl::stream`](super::CongestionControl::stream).
///
/// Dropped, it says nothing about the dependency: its reader may have read enough.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once holds no place"]
pub struct StreamPermit {
    shared: Arc<Shared>,
    began: u64,
    /// Since when the reader waits.
    waits_since: Option<u64>,
    waited: u64,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Dropped,
    Completed,
    Failed,
}

impl StreamPermit {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let began = shared.time.now();
        shared.end(Machine::stream_begins);
        Self { shared, began, waits_since: None, waited: 0, end: End::Dropped }
    }

    /// Whether its reader waits for more from now on. What the reader does meanwhile does not count
    /// against the dependency.
    pub fn waits(&mut self, waits: bool) {
        if waits == self.waits_since.is_some() {
            return;
        }
        let now = self.shared.time.now();
        match self.waits_since.take() {
            Some(since) => self.waited += now.saturating_sub(since),
            None => self.waits_since = Some(now),
        }
    }

    /// It ended well.
    pub fn completed(mut self) {
        self.waits(false);
        self.end = End::Completed;
    }

    /// It broke on the dependency's side: one failure more.
    pub fn failed(mut self) {
        self.end = End::Failed;
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let Self { began, waited, end, .. } = *self;
        self.shared.end(|machine, now| match end {
            End::Dropped => machine.stream_ended(),
            End::Completed => machine.stream_completed(now, waited),
            End::Failed => machine.stream_failed(now, began),
        });
    }
}
