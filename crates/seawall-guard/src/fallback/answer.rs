//! An answer that says whether it is the operation's own.

use seawall_core::Error;

use super::Fallback;

/// The answer to a call, and whose it is. See [`Fallback::answer`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Answer<T, E> {
    /// The answer, whoever gave it.
    pub value: T,
    /// The error in whose place the fallback answered; `None` where the operation succeeded.
    pub instead_of: Option<Error<E>>,
}

impl<T, E> Answer<T, E> {
    /// Whether a fallback gave it.
    pub const fn is_fallback(&self) -> bool {
        self.instead_of.is_some()
    }
}

/// What a call with a fallback around it gives: the answer alone, or an [`Answer`].
pub trait Shape<T, E>: Sized {
    /// The operation's own answer.
    #[doc(hidden)]
    fn own(value: T) -> Self;
    /// The answer of `fallback`, and the error in whose place it stands.
    #[doc(hidden)]
    fn instead(value: T, error: Error<E>, fallback: &Fallback<T, E>) -> Self;
}

impl<T, E> Shape<T, E> for T {
    fn own(value: T) -> Self {
        value
    }

    fn instead(value: T, error: Error<E>, fallback: &Fallback<T, E>) -> Self {
        // Its drop is the user's code.
        fallback.contained(|| drop(error));
        value
    }
}

impl<T, E> Shape<T, E> for Answer<T, E> {
    fn own(value: T) -> Self {
        Self { value, instead_of: None }
    }

    fn instead(value: T, error: Error<E>, _: &Fallback<T, E>) -> Self {
        Self { value, instead_of: Some(error) }
    }
}
