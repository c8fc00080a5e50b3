//! A request: where it is, what it is answered, and what is counted of all of them.

use crate::time::Nanos;

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// What was asked for.
    Done,
    /// The work failed: a 500.
    Failed,
    /// The queue is full: a 503.
    Overloaded,
    /// There is nobody: the connection was refused.
    Refused,
    /// The server went down while it had the request: the connection broke.
    Broken,
}

impl Answer {
    /// Whether it is what was asked for.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Done)
    }
}

/// A request that is under way. The one that sent it has to [take](World::take) its answer or
/// [leave](World::leave).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(pub(super) u32);

impl RequestId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the servers did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) done: u64,
    /// Slot time that was worked, and the part of it for callers that had left.
    pub(crate) worked: Nanos,
    pub(crate) wasted: Nanos,
    /// How long requests waited before they were begun, and how many were.
    pub(crate) waited: u128,
    pub(crate) begun: u64,
    /// Requests in the system, integrated over time.
    pub(crate) inside: u128,
    /// The time that requests which left the system had been in it.
    pub(crate) stayed: u128,
    pub(crate) events: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// Its number among all requests. A slot is used again, its serial is not.
    pub(super) serial: u64,
    pub(super) place: Place,
    pub(super) backend: u32,
    /// When the one that sent it left; `Nanos::MAX` while it waits.
    pub(super) left: Nanos,
    pub(super) entered: Nanos,
    pub(super) begun: Nanos,
    pub(super) answer: Option<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Queue,
    Slot,
    /// On the way back to the one that sent it.
    Way,
    /// With nobody: answered, or vanished.
    Nowhere,
}

impl Request {
    pub(super) const fn is_awaited(&self) -> bool {
        self.left == Nanos::MAX
    }
}
