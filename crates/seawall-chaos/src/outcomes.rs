//! What an injected error or outcome is made by.

use seawall_core::Attempt;

/// Makes what a fault puts in the place of an attempt's outcome.
pub trait Make<R> {
    /// `None` where there is nothing to make.
    fn make(&self, attempt: Attempt) -> Option<R>;
}

/// Makes nothing: chaos without errors, or without outcomes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl<R> Make<R> for Nothing {
    fn make(&self, _: Attempt) -> Option<R> {
        None
    }
}

/// Made by a function.
#[derive(Clone, Copy, Debug)]
pub struct By<F>(pub(crate) F);

impl<R, F: Fn(Attempt) -> R> Make<R> for By<F> {
    fn make(&self, attempt: Attempt) -> Option<R> {
        Some((self.0)(attempt))
    }
}
