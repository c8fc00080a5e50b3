//! What crosses the outer edge of a layer, and what must hold there.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use seawall::{Attempt, Error, PolicyKind};
use tokio::time::Instant;

use crate::erased::{Any, AnyCall, AnyOperation, Boxed, Outcome};
use crate::operation::{World, count};

/// The timer's steps: what is due ends up to one of them late.
const STEP: Duration = Duration::from_millis(1);

/// The outer edge of one layer.
pub(crate) struct Seam {
    pub(crate) world: Rc<World>,
    /// Which layer, counted from the outermost, and what it is.
    pub(crate) depth: usize,
    pub(crate) kinds: Rc<RefCell<Vec<PolicyKind>>>,
    pub(crate) limit: Cell<Duration>,
    pub(crate) started: Cell<u64>,
    pub(crate) succeeded: Cell<u64>,
    pub(crate) failed: Cell<u64>,
    pub(crate) panicked: Cell<u64>,
    pub(crate) dropped: Cell<u64>,
    /// Errors that are this layer's own.
    pub(crate) timed_out: Cell<u64>,
    pub(crate) rejected: Cell<u64>,
    pub(crate) gave_up: Cell<u64>,
    pub(crate) caught: Cell<u64>,
}

/// A layer's name, which says which it is.
pub(crate) fn name(depth: usize) -> String {
    format!("layer {depth}")
}

fn depth_of(name: &str) -> Option<usize> {
    name.strip_prefix("layer ")?.parse().ok()
}

impl Seam {
    pub(crate) fn new(
        world: &Rc<World>,
        depth: usize,
        kinds: &Rc<RefCell<Vec<PolicyKind>>>,
        limit: Duration,
    ) -> Rc<Self> {
        Rc::new(Self {
            world: Rc::clone(world),
            depth,
            kinds: Rc::clone(kinds),
            limit: Cell::new(limit),
            started: Cell::default(),
            succeeded: Cell::default(),
            failed: Cell::default(),
            panicked: Cell::default(),
            dropped: Cell::default(),
            timed_out: Cell::default(),
            rejected: Cell::default(),
            gave_up: Cell::default(),
            caught: Cell::default(),
        })
    }

    /// `inner`, watched.
    pub(crate) fn around<'p>(self: &Rc<Self>, inner: Any<'p>) -> Any<'p> {
        let seam = Rc::clone(self);
        match inner {
            Any::Operation(mut operation) => {
                Any::Operation(AnyOperation(Box::new(move |attempt| -> Boxed<'p> {
                    Box::pin(Crossing::start(&seam, attempt, |attempt| (operation.0)(attempt)))
                })))
            }
            Any::Call(call) => Any::Call(AnyCall(Box::new(move |attempt| -> Boxed<'p> {
                Box::pin(Crossing::start(&seam, attempt, |attempt| (call.0)(attempt)))
            }))),
        }
    }

    pub(crate) fn is_balanced(&self) -> bool {
        let over = [&self.succeeded, &self.failed, &self.panicked, &self.dropped];
        self.started.get() == over.iter().map(|count| count.get()).sum::<u64>()
    }

    /// Whether `error` comes from here or from further in, and says the truth about it.
    fn look_at(&self, error: &Error<crate::operation::Fault>) {
        let kind = match error {
            Error::Operation { .. } => return,
            Error::TimedOut(_) => PolicyKind::Timeout,
            Error::Rejected(rejection) => rejection.kind(),
            Error::Panicked(panicked) => panicked.kind,
            Error::GaveUp(gave_up) => gave_up.kind,
            Error::Cancelled(cancelled) => cancelled.kind,
            _ => return self.world.law(false, || format!("an unknown error: {error:?}")),
        };
        let depth = error.policy().and_then(|name| depth_of(name.as_str()));
        let Some(depth) = depth.filter(|depth| *depth >= self.depth) else {
            return self.world.law(false, || format!("{error:?} came out of {}", self.depth));
        };
        let is = self.kinds.borrow()[depth];
        self.world.law(is == kind, || format!("{error:?} of a {is}"));
        if depth == self.depth {
            match error {
                Error::TimedOut(_) => count(&self.timed_out),
                Error::Rejected(_) => count(&self.rejected),
                Error::GaveUp(_) => count(&self.gave_up),
                Error::Panicked(_) => count(&self.caught),
                _ => {}
            }
        }
        if let Error::GaveUp(gave_up) = error {
            let within = gave_up.max_attempts.is_none_or(|max| gave_up.attempts <= max);
            self.world.law(within, || format!("more attempts than allowed: {error:?}"));
            let wrapped = matches!(gave_up.last, Error::GaveUp(_));
            self.world.law(!wrapped, || format!("gave up twice: {error:?}"));
        }
        // Says something, whatever it is.
        self.world.law(!format!("{error:?}").is_empty(), String::new);
    }
}

/// One call across a seam.
struct Crossing<'p> {
    seam: Rc<Seam>,
    inner: Option<Boxed<'p>>,
    began: Instant,
    jumps: u64,
    polling: bool,
    over: bool,
}

impl<'p> Crossing<'p> {
    fn start(seam: &Rc<Seam>, attempt: Attempt, start: impl FnOnce(Attempt) -> Boxed<'p>) -> Self {
        count(&seam.started);
        let now = Instant::now();
        let mut crossing = Self {
            seam: Rc::clone(seam),
            inner: None,
            began: now,
            jumps: seam.world.jumps.get(),
            polling: true,
            over: false,
        };
        let mut told = attempt;
        seam.world.law(told.began() <= now, || format!("{attempt:?} begins in the future"));
        crossing.inner = Some(start(attempt));
        crossing.polling = false;
        crossing
    }
}

impl Future for Crossing<'_> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let this = &mut *self;
        let seam = &this.seam;
        let fresh = !this.over && !this.polling;
        seam.world.law(fresh, || format!("layer {} was polled after it was over", seam.depth));
        let Some(inner) = &mut this.inner else { return Poll::Pending };
        this.polling = true;
        let outcome = inner.as_mut().poll(cx);
        this.polling = false;
        let outcome = ready!(outcome);
        this.over = true;
        count(if outcome.is_ok() { &seam.succeeded } else { &seam.failed });
        if let Err(error) = &outcome {
            seam.look_at(error);
        }
        let took = this.began.elapsed();
        if this.jumps == seam.world.jumps.get() {
            let most = seam.limit.get().saturating_add(STEP);
            seam.world.law(took <= most, || {
                format!("layer {} took {took:?} of {most:?}: {outcome:?}", seam.depth)
            });
        }
        Poll::Ready(outcome)
    }
}

impl Drop for Crossing<'_> {
    fn drop(&mut self) {
        if self.polling {
            count(&self.seam.panicked);
        } else if !self.over {
            count(&self.seam.dropped);
        }
    }
}
