//! Deciding whether a call may start: now, later or not at all.
//!
//! Every policy that limits calls answers one question with the same three answers, and may use the
//! outcome of the call at its end. [`Admit`] is the question, [`Admission`] holds the answers, and
//! [`Settle`] is the end. The wrapped operation and its futures are written once, here.
//!
//! A call that is admitted starts in the same step: nothing is allocated and no clock is read for
//! it. A call that waits is started when its permit comes, with the clock of its [`Attempt`]
//! restarted.
//!
//! # Write a policy
//!
//! A policy of your own is a handle that implements [`Admit`] and [`Policy`](crate::Policy), and a
//! permit whose `Drop` gives back what it holds. It then composes with all other policies, inside a
//! retry too, and has their one error, event stream and description. This one lets one call in at a
//! time and refuses the others:
//!
//! ```
//! use std::sync::atomic::{AtomicBool, Ordering::{Acquire, Release}};
//! use seawall_core::{
//!     Admission, Admit, Admitted, Attempt, Description, Label, NoWait, Policy, PolicyKind, Reason,
//!     Reporter, Unobserved,
//! };
//!
//! struct SingleFile {
//!     busy: AtomicBool,
//!     reporter: Reporter,
//! }
//!
//! struct Turn<'p>(&'p AtomicBool);
//!
//! impl Drop for Turn<'_> {
//!     fn drop(&mut self) {
//!         self.0.store(false, Release);
//!     }
//! }
//!
//! impl Admit for SingleFile {
//!     type Permit<'p> = Unobserved<Turn<'p>>;
//!     type Wait<'p> = NoWait<Self::Permit<'p>>;
//!
//!     fn try_admit(&self, _: &mut Attempt) -> Option<Self::Permit<'_>> {
//!         let was_busy = self.busy.swap(true, Acquire);
//!         (!was_busy).then(|| Unobserved(Turn(&self.busy)))
//!     }
//!
//!     fn admit(&self, attempt: &mut Attempt) -> Admission<Self::Permit<'_>, Self::Wait<'_>> {
//!         match self.try_admit(attempt) {
//!             Some(permit) => Admission::Granted(permit),
//!             None => Admission::Refused(self.reporter.refuse(Reason::Custom(Label::new("busy")))),
//!         }
//!     }
//! }
//!
//! impl Policy for SingleFile {
//!     type Wrapped<'p, Op> = Admitted<'p, Self, Op>;
//!
//!     fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
//!         Admitted::new(self, op)
//!     }
//!
//!     fn describe(&self, inner: Description) -> Description {
//!         inner.layer(self.reporter.kind(), self.reporter.name(), "one call at a time")
//!     }
//! }
//!
//! // Used alone, and refused in its own words:
//! use seawall_core::{Listeners, PolicyExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let kind = PolicyKind::Custom(Label::new("single file"));
//! let reporter = Reporter::new("inventory".into(), kind, Listeners::default());
//! let policy = SingleFile { busy: AtomicBool::new(false), reporter };
//! let inner = policy.call(async { Ok::<_, std::io::Error>(42) });
//! let outer = policy.call(async { inner.await });
//! let error = outer.await.unwrap_err();
//! assert_eq!(error.to_string(), "single file 'inventory': busy");
//! assert_eq!(policy.call(async { Ok::<_, std::io::Error>(42) }).await.unwrap(), 42);
//! # }
//! ```
//!
//! - A policy in which calls wait gives `Wait` a future that becomes the permit.
//! - A permit that uses the outcome implements [`Settle`] in place of being [`Unobserved`].
//! - Evidence gets a rule of its own with [`Rule::Custom`](crate::Rule::Custom), an event with
//!   [`EventKind::custom`](crate::EventKind::custom).
//! - A policy that is always built in a pipeline has a builder with a [`Setup`](crate::Setup) that
//!   implements [`Layer`](crate::Layer); a policy that exists is a layer as it is.
//! - A policy that repeats calls is no admission: it implements [`Call`](crate::Call) for what it
//!   wraps, with an [`Operation`](crate::Operation) inside.

use std::future::Future;

use crate::{Attempt, Error, Rejection};

pub use alone::Guarded;
pub use future::AdmittedFuture;
pub use mark::{Inside, Mark};
pub use no_wait::NoWait;
pub use wrapped::Admitted;

mod alone;
mod deferred;
mod future;
mod mark;
mod no_wait;
mod wrapped;

/// The answer to a call that asks for admission.
#[derive(Debug)]
pub enum Admission<P, W> {
    /// It may start now.
    Granted(P),
    /// It may start when this future is ready, unless that refuses it.
    Waiting(W),
    /// It may not start.
    Refused(Rejection),
}

/// Decides whether a call may start.
pub trait Admit {
    /// What a call holds while it runs. Dropping it gives back what it stands for.
    type Permit<'p>
    where
        Self: 'p;
    /// A call's place among those that wait: [`NoWait`] where none does. Dropping it gives the place
    /// up.
    type Wait<'p>: Future<Output = Result<Self::Permit<'p>, Rejection>> + Unpin
    where
        Self: 'p;

    /// A permit, if there is one right now and nothing more has to be known. `None` decides nothing
    /// and changes nothing: [`admit`](Self::admit) is called then.
    ///
    /// This is the fast path. It is inlined into every call, so it should be small.
    fn try_admit(&self, attempt: &mut Attempt) -> Option<Self::Permit<'_>>;

    /// A refusal, if there is one right now and nothing has to be changed for it. `None` decides
    /// nothing: [`admit`](Self::admit) is called then.
    ///
    /// A fast path for policies that refuse many calls in a row, as an open circuit does. By default
    /// there is none.
    fn try_refuse(&self, attempt: &mut Attempt) -> Option<Rejection> {
        let _ = attempt;
        None
    }

    /// Admits `attempt`, lets it wait, or refuses it.
    fn admit(&self, attempt: &mut Attempt) -> Admission<Self::Permit<'_>, Self::Wait<'_>>;
}

/// A permit at the end of its call. A permit that is dropped instead belongs to a call that was
/// abandoned.
///
/// The law of all admissions: what is inside the call has ended before its permit goes to another.
pub trait Settle<T, E>: Sized {
    /// The call ended with `outcome`. By default the permit is dropped.
    fn settle(self, outcome: &Result<T, Error<E>>) {
        let _ = outcome;
    }

    /// [`settle`](Self::settle) for a call that succeeded, which returns the outcome. Permits that do
    /// not look at the output save its way through memory with a method of their own.
    #[inline]
    fn settle_ok(self, output: T) -> Result<T, Error<E>> {
        let outcome = Ok(output);
        self.settle(&outcome);
        outcome
    }

    /// What marks the call while it is polled, so that the policy recognises a call inside it:
    /// [`Mark::is_around`]. Asked only of permits that were not granted by
    /// [`try_admit`](Admit::try_admit), or from the second poll on. By default there is none.
    fn mark(&self) -> Option<Mark> {
        None
    }
}

/// A permit that has no use for the outcome of its call: it is only dropped.
#[derive(Debug)]
pub struct Unobserved<P>(pub P);

impl<T, E, P> Settle<T, E> for Unobserved<P> {}
