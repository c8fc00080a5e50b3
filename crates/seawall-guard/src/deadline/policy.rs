//! The deadline as a value and as a policy.

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use seawall_core::{
    AllTransient, Attempt, Call, Description, FromFuture, Lazy, Operation, Policy, PolicyKind,
};
use tokio::time::Instant;

use super::future::{CURRENT, Scoped};
use super::{WireError, decode, encode};
use crate::timeout::{MAX_LIMIT, Timeout, TimeoutCall, TimeoutFuture};

/// Cuts calls off at their deadlines: a timeout without a limit of its own.
static CUT_OFF: LazyLock<Timeout> = LazyLock::new(|| Timeout::named("deadline", Duration::MAX));

/// A point in time by which something has to be over, or never.
///
/// A small `Copy` value. Nothing that is derived from it is later. As a policy it hands itself to the
/// operation and cuts the call off when it has passed; make one for each call.
///
/// ```
/// use std::time::Duration;
/// use seawall_core::{AllTransient, Call, FromAttemptFn, Lazy, Policy};
/// use seawall_guard::{Deadline, Timeout};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let request = Deadline::after(Duration::from_secs(1));
/// let timeout = Timeout::new(Duration::from_secs(30));
/// let operation = FromAttemptFn::new(
///     |attempt: seawall_core::Attempt| async move {
///         assert_eq!(attempt.time_left(), Some(Duration::from_secs(1)));
///         std::future::pending::<Result<(), std::io::Error>>().await
///     },
///     &AllTransient,
/// );
/// let error = Lazy::new(request.wrap(timeout.wrap(operation))).await.unwrap_err();
/// assert!(error.timed_out().is_some());
/// assert!(request.has_passed());
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    at: Option<Instant>,
}

impl From<Deadline> for Option<Instant> {
    fn from(deadline: Deadline) -> Self {
        deadline.at
    }
}

impl Deadline {
    /// No deadline.
    pub const NEVER: Self = Self { at: None };

    /// At `at`.
    pub const fn at(at: Instant) -> Self {
        Self { at: Some(at) }
    }

    /// `remaining` from now. Longer than [`MAX_LIMIT`], about 2.2 years, is never.
    pub fn after(remaining: Duration) -> Self {
        Self::NEVER.child(remaining)
    }

    /// The deadline of `attempt`.
    pub const fn of(attempt: &Attempt) -> Self {
        Self { at: attempt.deadline() }
    }

    /// The deadline of the [scope](Self::scope) that this runs in; [`NEVER`](Self::NEVER) outside of
    /// one.
    pub fn current() -> Self {
        CURRENT.try_with(|current| *current).unwrap_or(Self::NEVER)
    }

    /// The point in time; `None` is never.
    pub const fn instant(self) -> Option<Instant> {
        self.at
    }

    /// How much time is left: zero once it has passed, `None` if it never does. Reads the clock.
    pub fn remaining(self) -> Option<Duration> {
        self.at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Whether it has passed. Reads the clock.
    pub fn has_passed(self) -> bool {
        self.at.is_some_and(|at| at <= Instant::now())
    }

    /// The earlier of two.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        match (self.at, other.at) {
            (Some(a), Some(b)) => Self::at(a.min(b)),
            (a, b) => Self { at: a.or(b) },
        }
    }

    /// `limit` from now, but no later than this one. Reads the clock.
    #[must_use]
    pub fn child(self, limit: Duration) -> Self {
        if limit > MAX_LIMIT {
            return self;
        }
        self.min(Self { at: Instant::now().checked_add(limit) })
    }

    /// Earlier by `margin`, the time that is kept back to make use of the answer. If the result would
    /// precede the clock's origin, the deadline is now; a deadline that has passed already is left as
    /// it is.
    #[must_use]
    pub fn earlier_by(self, margin: Duration) -> Self {
        let earliest = |at: Instant| at.min(Instant::now());
        Self { at: self.at.map(|at| at.checked_sub(margin).unwrap_or_else(|| earliest(at))) }
    }

    /// A first attempt that is due by this deadline. The call of a pipeline takes the deadline itself:
    /// [`Lazy::deadline`].
    pub fn attempt(self) -> Attempt {
        let first = Attempt::first();
        self.at.map_or(first, |at| first.due_by(at))
    }

    /// The time left as the value of a [header](super::HEADER), `None` if there is no deadline.
    /// See [`encode`]. Reads the clock.
    pub fn to_wire(self) -> Option<String> {
        self.remaining().map(encode)
    }

    /// The deadline that a caller sent as the time left, counted from now, but at most `at_most` from
    /// now: how long this side works for any caller. Reads the clock. `value` is that of the
    /// [header](super::HEADER), as text, as bytes, or as an HTTP library's header value.
    pub fn from_wire(value: impl AsRef<[u8]>, at_most: Duration) -> Result<Self, WireError> {
        decode(value).map(|remaining| Self::after(remaining).child(at_most))
    }

    /// `future`, within which [`current`](Self::current) gives this deadline, or that of the
    /// surrounding scope if that is earlier. A scope cuts nothing off, and does not follow into
    /// spawned tasks.
    ///
    /// The surrounding scope is the one in which `future` is first polled, wherever it was made.
    pub fn scope<Fut: Future>(self, future: Fut) -> Scoped<Fut> {
        Scoped::new(self, future)
    }

    /// `future`, cut off at the deadline.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`; there is nothing else to lose.
    ///
    /// # Panics
    ///
    /// When `future` is pending outside a tokio runtime that has its timer enabled.
    pub fn call<Fut, T, E>(
        self,
        future: Fut,
    ) -> Lazy<DeadlineCall<FromFuture<'static, Fut, AllTransient>>>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Lazy::new(self.wrap(FromFuture::new(future, &AllTransient)))
    }

    fn narrow(self, attempt: Attempt) -> Attempt {
        self.at.map_or(attempt, |at| attempt.due_by(at))
    }
}

impl Policy for Deadline {
    type Wrapped<'p, Op> = DeadlineCall<Op>;

    fn wrap<Op>(&self, op: Op) -> DeadlineCall<Op> {
        DeadlineCall { deadline: *self, op: CUT_OFF.wrap(op) }
    }

    fn describe(&self, inner: Description) -> Description {
        let text = match self.remaining() {
            Some(left) => format!("deadline in {left:?}"),
            None => "no deadline".to_owned(),
        };
        let described = inner.layer(PolicyKind::Timeout, CUT_OFF.name(), text);
        match self.remaining() {
            Some(left) => described.cut_to(left),
            None => described,
        }
    }
}

/// An operation with a [`Deadline`] around it.
#[derive(Clone, Debug)]
pub struct DeadlineCall<Op> {
    deadline: Deadline,
    op: TimeoutCall<'static, Op>,
}

impl<Op: Call> Call for DeadlineCall<Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = TimeoutFuture<'static, Op::Future>;

    fn start(self, attempt: Attempt) -> Self::Future {
        self.op.start(self.deadline.narrow(attempt))
    }
}

impl<Op: Operation> Operation for DeadlineCall<Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = TimeoutFuture<'static, Op::Future>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        self.op.attempt(self.deadline.narrow(attempt))
    }

    fn is_repeatable(&self) -> bool {
        self.op.is_repeatable()
    }
}
