//! Limits for a server: a place for each request, to the end of its answer's body.
//!
//! A server that takes more than it can do does all of it late. [`HoldLayer`] takes a permit of a limit
//! for each request and holds it until the answer's body has ended, so that a download counts for as
//! long as it lasts. Requests above the limit wait in the limit's queue or are refused, the
//! [least important](crate::ReadPriority) first.
//!
//! ```
//! use std::time::Duration;
//! use seawall::Bulkhead;
//! use seawall_http::{HoldLayer, PriorityHeader};
//!
//! let limit = Bulkhead::builder()
//!     .name("shop")
//!     .limit(200)
//!     .queue(400, Duration::from_millis(100))
//!     .by_priority()
//!     .build()?;
//! let layer = HoldLayer::new(limit).priority(PriorityHeader::new("x-priority")?);
//! # drop(layer);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! The page `docs/http-priorities.md` compares the two ways to shed by priority, a queue and shares, and
//! has the diagram, the defaults and the traps.

use std::future::{Future, Pending};
use std::pin::Pin;

use seawall::limit::Priority;
use seawall::limit::adaptive::OwnedAdaptivePermit;
use seawall::limit::bulkhead::{OwnedPermit, Permit};
use seawall::policy::{Admission, Admit};
use seawall::shutdown::{InFlight, OwnedInFlightGuard};
use seawall::{AdaptiveLimit, Bulkhead, Deadline, PolicyKind, Reason, Rejection};

use crate::body_guard::{BodyEnd, BodyGuard, Hold};

mod future;
mod layer;

pub use future::HoldFuture;
pub use layer::{HoldLayer, HoldService};

/// What a request asks of a limit.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asked {
    /// How important the request is. `None` where nobody reads it: the limit's handle says so then.
    pub priority: Option<Priority>,
    /// By when the request has to be over. No request waits for a permit past it.
    pub deadline: Deadline,
}

/// What [`HoldLayer`] takes a permit from.
pub trait Acquire {
    /// What a request holds to the end of its answer's body.
    type Permit: BodyGuard;
    /// A request that waits for its permit.
    type Wait: Future<Output = Result<Self::Permit, Rejection>>;

    /// A permit now, later or not at all.
    fn acquire(&self, asked: Asked) -> Admission<Self::Permit, Self::Wait>;
}

type BoxedWait<P> = Pin<Box<dyn Future<Output = Result<P, Rejection>> + Send>>;

/// A limit whose requests don't wait.
type NoWait<P> = Pending<Result<P, Rejection>>;

fn at_once<P>(permit: Result<P, Rejection>) -> Admission<P, NoWait<P>> {
    permit.map_or_else(Admission::Refused, Admission::Granted)
}

impl Acquire for Bulkhead {
    type Permit = Hold<OwnedPermit>;
    type Wait = BoxedWait<Self::Permit>;

    fn acquire(&self, Asked { priority, deadline }: Asked) -> Admission<Self::Permit, Self::Wait> {
        let limit = priority.map_or_else(|| self.clone(), |it| self.with_priority(it));
        if let Some(permit) = limit.try_admit(&mut deadline.attempt()) {
            return Admission::Granted(Hold(permit.into_owned()));
        }
        Admission::Waiting(Box::pin(async move {
            let permit = match limit.admit(&mut deadline.attempt()) {
                Admission::Granted(permit) => Ok(permit),
                Admission::Waiting(wait) => wait.await,
                Admission::Refused(refusal) => Err(refusal),
            };
            permit.map(Permit::into_owned).map(Hold)
        }))
    }
}

/// An adaptive limit's permit to the end of a body. The time that the limit learns from is that of the
/// place, so that it compares like with like.
///
/// A handler that is cut off by its deadline is an overload. One whose client has gone says nothing about
/// the load, and its place is free at once: the server drops it, so nobody works on it any more.
#[derive(Debug)]
pub struct AdaptiveHold(Option<OwnedAdaptivePermit>);

impl BodyGuard for AdaptiveHold {
    fn ended(mut self, end: BodyEnd) {
        if end != BodyEnd::Dropped
            && let Some(permit) = &mut self.0
        {
            permit.sampled();
        }
    }

    fn unanswered(mut self, timed_out: bool) {
        if timed_out && let Some(permit) = self.0.take() {
            permit.overloaded();
        }
    }
}

impl Drop for AdaptiveHold {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.ignore();
        }
    }
}

impl Acquire for AdaptiveLimit {
    type Permit = AdaptiveHold;
    type Wait = NoWait<AdaptiveHold>;

    fn acquire(&self, asked: Asked) -> Admission<Self::Permit, Self::Wait> {
        let permit = match asked.priority {
            Some(priority) => self.with_priority(priority).try_acquire_owned(),
            None => self.try_acquire_owned(),
        };
        at_once(permit.map(Some).map(AdaptiveHold))
    }
}

/// Counts what is in flight, so that a shutdown waits for the bodies too.
impl Acquire for InFlight {
    type Permit = Hold<OwnedInFlightGuard>;
    type Wait = NoWait<Self::Permit>;

    fn acquire(&self, _: Asked) -> Admission<Self::Permit, Self::Wait> {
        let refused =
            |_| Rejection::new("in flight".into(), PolicyKind::Shutdown, Reason::ShuttingDown);
        at_once(self.try_acquire_owned().map(Hold).map_err(refused))
    }
}

/// No limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl Acquire for Unlimited {
    type Permit = Hold<()>;
    type Wait = NoWait<Self::Permit>;

    fn acquire(&self, _: Asked) -> Admission<Self::Permit, Self::Wait> {
        Admission::Granted(Hold(()))
    }
}
