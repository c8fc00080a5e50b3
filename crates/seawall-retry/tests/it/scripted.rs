//! An operation whose attempts come to what a function says.

use seawall_core::{Attempt, Error, Operation};

pub(crate) type Outcome = Result<u32, Error<&'static str>>;

/// Attempts that come to what a function of what they are told says, errors of the toolkit included:
/// what a policy inside would make of them.
pub(crate) struct Scripted<F>(pub(crate) F);

impl<F: FnMut(Attempt) -> Outcome> Operation for Scripted<F> {
    type Output = u32;
    type Error = &'static str;
    type Future = std::future::Ready<Outcome>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        std::future::ready((self.0)(attempt))
    }
}
