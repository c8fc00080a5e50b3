//! How a request is sent once more.

use std::fmt;

use seawall::Attempt;

/// How a request is sent once more, and whether it still can be.
///
/// Asked only by pipelines that repeat. Without a word requests are [cloned](ByClone).
#[diagnostic::on_unimplemented(
    message = "the pipeline repeats what it calls, but `{Self}` can't copy a request of type `{Req}`",
    label = "this pipeline has a retry or a hedge, which needs a copy of the request",
    note = "implement `Clone` for `{Req}`,",
    note = "or say how to copy it: `.repeat(RepeatBy::new(|request: &{Req}, _: &Attempt| ..))`,",
    note = "or use a pipeline without retry and hedge: that takes requests of any type"
)]
pub trait Repeat<Req> {
    /// A copy of `request`, to be sent as `attempt`; `None` if it can't be copied. The request itself
    /// is sent then, and is the last.
    fn copy(&self, request: &Req, attempt: &Attempt) -> Option<Req>;

    /// Whether `request`, of which a copy was sent, can be sent once more.
    fn is_repeatable(&self, request: &Req) -> bool {
        let _ = request;
        true
    }
}

/// Copies requests by [`Clone`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByClone;

// The message of `Repeat` names the ways out; that of `Clone` would name one.
#[diagnostic::do_not_recommend]
impl<Req: Clone> Repeat<Req> for ByClone {
    fn copy(&self, request: &Req, _: &Attempt) -> Option<Req> {
        Some(request.clone())
    }
}

/// Copies requests by a function: `RepeatBy::new(|request: &reqwest::Request, _: &Attempt|
/// request.try_clone())`. The function sees which attempt it copies for, so it can write its number
/// into a header.
#[derive(Clone, Copy)]
pub struct RepeatBy<F>(F);

impl<F> RepeatBy<F> {
    /// Copies requests by `copy`, which gives `None` for those that can't be copied.
    pub const fn new<Req>(copy: F) -> Self
    where
        F: Fn(&Req, &Attempt) -> Option<Req>,
    {
        Self(copy)
    }
}

impl<Req, F> Repeat<Req> for RepeatBy<F>
where
    F: Fn(&Req, &Attempt) -> Option<Req>,
{
    fn copy(&self, request: &Req, attempt: &Attempt) -> Option<Req> {
        (self.0)(request, attempt)
    }
}

impl<F> fmt::Debug for RepeatBy<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepeatBy").finish_non_exhaustive()
    }
}
