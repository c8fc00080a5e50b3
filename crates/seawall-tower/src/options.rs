//! What a call is given with its request.

use seawall::policy::contain;
use seawall::{Attempt, Name, Panicked, PolicyKind};

/// What a call is given before it starts, read from its request: a deadline, whether it may be
/// repeated. Implemented by every `Fn(&Req) -> Attempt`.
///
/// The request is read once a call, when its future is first polled. If that panics, the call ends with
/// the panic as its error and sends nothing.
///
/// ```
/// use seawall::Deadline;
/// use seawall_tower::CallOptions;
///
/// struct Lookup { deadline: Deadline }
///
/// let options = |lookup: &Lookup| lookup.deadline.attempt().idempotent(true);
/// # fn check(_: impl CallOptions<Lookup>) {}
/// # check(options);
/// ```
pub trait CallOptions<Req> {
    /// The first attempt of a call of `request`.
    fn first_attempt(&self, request: &Req) -> Attempt;

    /// Changes the request of an attempt that is about to start: to write what is left of the deadline
    /// into a header, for instance. Does nothing by default.
    fn prepare(&self, request: &mut Req, attempt: &Attempt) {
        let _ = (request, attempt);
    }

    /// [`first_attempt`](Self::first_attempt) as the pipeline called `name` calls it: a panic becomes an
    /// error.
    ///
    /// # Errors
    ///
    /// The panic.
    #[doc(hidden)]
    fn first_attempt_contained(&self, request: &Req, name: &Name) -> Result<Attempt, Panicked> {
        let attempt = contain(|| self.first_attempt(request));
        attempt.map_err(|report| Panicked::in_callback(name.clone(), PolicyKind::Pipeline, report))
    }
}

/// No options: no deadline, and the pipeline says whether a call may be repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoOptions;

impl<Req> CallOptions<Req> for NoOptions {
    fn first_attempt(&self, _: &Req) -> Attempt {
        Attempt::first()
    }

    /// It does not panic, so there is nothing to contain.
    fn first_attempt_contained(&self, _: &Req, _: &Name) -> Result<Attempt, Panicked> {
        Ok(Attempt::first())
    }
}

impl<Req, F: Fn(&Req) -> Attempt> CallOptions<Req> for F {
    fn first_attempt(&self, request: &Req) -> Attempt {
        self(request)
    }
}
