use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use tokio::time::Instant;

use crate::{Attempt, Call, Error};

pub use options::{WithAttempt, WithDeadline, WithIdempotent};

mod options;

/// A [`Call`] as a future: started when it is first polled, so that a call that is made and
/// dropped asks no policy for admission.
///
/// Dropping it at any point gives back whatever the policies hold for it.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct Lazy<Op: Call> {
    /// Absent from the first poll on.
    call: Option<Op>,
    #[pin]
    running: Running<Op::Future>,
}

/// An `Option` with `project_replace`: `Pin::set` drops the old value through a call.
#[pin_project(project = RunningProjection, project_replace = RunningOwned)]
enum Running<Fut> {
    /// Not started, or over.
    No,
    Yes(#[pin] Fut),
}

impl<Op: Call> Lazy<Op> {
    /// A future that starts `call` as a first attempt.
    pub fn new(call: Op) -> Self {
        Self { call: Some(call), running: Running::No }
    }

    /// The future of a call that was started, and of which nothing happens before the first poll.
    /// Options change nothing about it.
    pub fn started(future: Op::Future) -> Self {
        Self { call: None, running: Running::Yes(future) }
    }

    /// The same call, with an option.
    fn with<O>(self, option: impl FnOnce(Op) -> O) -> Lazy<O>
    where
        O: Call<Future = Op::Future>,
    {
        Lazy { call: self.call.map(option), running: self.running }
    }

    /// The same call, to be over by `deadline`: an `Instant`, a deadline, or `None` for never. Timeouts
    /// cut it off then, and a retry starts nothing that would be late. Of several deadlines the
    /// earliest counts. A call that was polled before stays as it is.
    ///
    /// ```
    /// use std::time::Duration;
    /// use seawall_core::{AllTransient, Attempt, FromAttemptFn, Lazy};
    /// use tokio::time::Instant;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let soon = Instant::now() + Duration::from_secs(1);
    /// let operation = async |attempt: Attempt| Ok::<_, std::io::Error>(attempt);
    /// let call = Lazy::new(FromAttemptFn::new(operation, &AllTransient));
    /// let attempt = call.deadline(soon).idempotent(true).await?;
    /// assert_eq!((attempt.deadline(), attempt.is_idempotent()), (Some(soon), Some(true)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn deadline(self, deadline: impl Into<Option<Instant>>) -> Lazy<WithDeadline<Op>> {
        let deadline = deadline.into();
        self.with(|call| WithDeadline { call, deadline })
    }

    /// The same call, of an operation that may be carried out more than once without harm, or may not.
    /// It takes precedence over the configuration of a retry or hedge, and the last word over those
    /// before. A call that was polled before stays as it is.
    pub fn idempotent(self, idempotent: bool) -> Lazy<WithIdempotent<Op>> {
        self.with(|call| WithIdempotent { call, idempotent })
    }

    /// Waits for the call on this thread, which [blocks](crate::block_on). For a call with options:
    /// `pipeline.call(async || read()).idempotent(false).block()`.
    ///
    /// # Errors
    ///
    /// As awaiting it.
    pub fn block(self) -> Result<Op::Output, Error<Op::Error>> {
        crate::block_on(self)
    }

    /// The same call, to be started as `attempt`, which is how a pipeline inside an operation takes
    /// over what is known outside. What [`deadline`](Self::deadline) and
    /// [`idempotent`](Self::idempotent) say counts, too. A call that was polled before stays as it is.
    pub fn with_attempt(self, attempt: Attempt) -> Lazy<WithAttempt<Op>> {
        self.with(|call| WithAttempt { call, attempt })
    }
}

impl<Op: Call> std::fmt::Debug for Lazy<Op> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (&self.call, &self.running) {
            (Some(_), _) => "Lazy::Idle",
            (None, Running::Yes(_)) => "Lazy::Running",
            (None, Running::No) => "Lazy::Done",
        })
    }
}

impl<Op: Call> Future for Lazy<Op> {
    type Output = Result<Op::Output, Error<Op::Error>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(call) = this.call.take() {
            let future = call.start(Attempt::first());
            this.running.as_mut().project_replace(Running::Yes(future));
        }
        let RunningProjection::Yes(future) = this.running.as_mut().project() else {
            panic!("a call was polled after it was over");
        };
        // All that the call holds is dropped before the caller resumes: here, once for all layers.
        // Success and failure apart: a small output then stays in registers, where a whole `Result`
        // is copied.
        match ready!(future.poll(cx)) {
            Ok(output) => {
                this.running.project_replace(Running::No);
                Poll::Ready(Ok(output))
            }
            Err(error) => {
                this.running.project_replace(Running::No);
                Poll::Ready(Err(error))
            }
        }
    }
}
