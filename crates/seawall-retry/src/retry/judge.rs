//! Overrides of what an outcome means to a retry.

use seawall_core::{Class, Error, Judge};

/// Treats the operation's own errors as transient if `again` holds and as permanent if not; leaves
/// the rest to `judge`. Made by [`RetryBuilder::when`](super::RetryBuilder::when).
#[derive(Clone, Copy, Debug)]
pub struct When<F, J> {
    pub(super) again: F,
    pub(super) judge: J,
}

impl<T, E, F: Fn(&E) -> bool, J: Judge<T, E>> Judge<T, E> for When<F, J> {
    fn judge(&self, outcome: &Result<T, Error<E>>) -> Class {
        match outcome.as_ref().err().and_then(Error::operation) {
            Some(error) if (self.again)(error) => match self.judge.judge(outcome) {
                // What the dependency asked for is still known.
                class @ Class::Overloaded { .. } => class,
                _ => Class::Transient,
            },
            Some(_) => Class::Permanent,
            None => self.judge.judge(outcome),
        }
    }
}

/// Treats a success as a transient failure if `again` holds; leaves the rest to `judge`. Made by
/// [`RetryBuilder::when_ok`](super::RetryBuilder::when_ok).
#[derive(Clone, Copy, Debug)]
pub struct WhenOk<F, J> {
    pub(super) again: F,
    pub(super) judge: J,
}

impl<T, E, F: Fn(&T) -> bool, J: Judge<T, E>> Judge<T, E> for WhenOk<F, J> {
    fn judge(&self, outcome: &Result<T, Error<E>>) -> Class {
        match outcome {
            Ok(output) if (self.again)(output) => Class::Transient,
            _ => self.judge.judge(outcome),
        }
    }
}
