//! What answers in the operation's place.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;
use seawall_core::Error;

/// Answers in the place of an operation that failed, or declines.
///
/// Implemented by what [`Fallback`](super::Fallback)'s constructors make. Implement it for a type
/// of your own where the fallback must have a name that can be written in a struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't answer for an operation that gives `{T}` or fails with `{E}`",
    note = "a fallback gives the same type as the operation does when it succeeds"
)]
pub trait Substitute<T, E> {
    /// An answer under way.
    type Answer;

    /// How many there are that may be asked, one after the other until one answers.
    const LINKS: usize = 1;

    /// Lets `link`, which is less than [`LINKS`](Self::LINKS), begin to answer for an operation
    /// that came to `error`. Where it declines or panics, the next one is asked.
    fn begin(&self, link: usize, error: &Error<E>) -> Begun<T, Self::Answer>;

    /// Goes on answering; `None` declines, and the operation's error stands. Not called again
    /// after it was ready, nor where [`begin`](Self::begin) answers at once: as it is, it declines.
    fn poll_answer(
        &self,
        answer: Pin<&mut Self::Answer>,
        error: &Error<E>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<T>> {
        let _ = (answer, error, cx);
        Poll::Ready(None)
    }
}

/// What beginning to answer came to.
#[derive(Debug)]
pub enum Begun<T, A> {
    /// The answer is there; `None` declines, and the operation's error stands.
    Now(Option<T>),
    /// The answer takes polling. It is boxed by the fallback, so that calls that need none do not
    /// carry the space for one.
    Later(A),
}

impl<T, A> Begun<T, A> {
    fn map_later<B>(self, change: impl FnOnce(A) -> B) -> Begun<T, B> {
        match self {
            Self::Now(given) => Begun::Now(given),
            Self::Later(answer) => Begun::Later(change(answer)),
        }
    }
}

/// Always the same value.
#[derive(Clone, Copy, Debug)]
pub struct Value<T>(pub(super) T);

/// Ties a function to the error that it looks at.
type Of<E> = PhantomData<fn(&E)>;

/// By a function of the error.
pub struct With<F, E>(pub(super) F, pub(super) Of<E>);

/// By a function of the error that may decline.
pub struct TryWith<F, E>(pub(super) F, pub(super) Of<E>);

/// By an async function of the error that may fail.
pub struct WithAsync<F, E>(pub(super) F, pub(super) Of<E>);

/// The second where the first declines or fails.
#[derive(Clone, Copy, Debug)]
pub struct Or<First, Second> {
    pub(super) first: First,
    pub(super) second: Second,
}

impl<T: Clone, E> Substitute<T, E> for Value<T> {
    type Answer = Infallible;

    fn begin(&self, _: usize, _: &Error<E>) -> Begun<T, Infallible> {
        Begun::Now(Some(self.0.clone()))
    }
}

impl<F, T, E> Substitute<T, E> for With<F, E>
where
    F: Fn(&Error<E>) -> T,
{
    type Answer = Infallible;

    fn begin(&self, _: usize, error: &Error<E>) -> Begun<T, Infallible> {
        Begun::Now(Some((self.0)(error)))
    }
}

impl<F, T, E> Substitute<T, E> for TryWith<F, E>
where
    F: Fn(&Error<E>) -> Option<T>,
{
    type Answer = Infallible;

    fn begin(&self, _: usize, error: &Error<E>) -> Begun<T, Infallible> {
        Begun::Now((self.0)(error))
    }
}

impl<F, Fut, T, X, E> Substitute<T, E> for WithAsync<F, E>
where
    F: Fn(&Error<E>) -> Fut,
    Fut: Future<Output = Result<T, X>>,
{
    type Answer = Fut;

    fn begin(&self, _: usize, error: &Error<E>) -> Begun<T, Fut> {
        Begun::Later((self.0)(error))
    }

    fn poll_answer(
        &self,
        answer: Pin<&mut Fut>,
        _: &Error<E>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<T>> {
        answer.poll(cx).map(Result::ok)
    }
}

/// An answer of [`Or`] under way.
#[pin_project(project = OrProjection)]
#[derive(Debug)]
pub enum OrAnswer<First, Second> {
    /// One of the first is at it.
    First(#[pin] First),
    /// The first have declined.
    Second(#[pin] Second),
}

impl<T, E, First, Second> Substitute<T, E> for Or<First, Second>
where
    First: Substitute<T, E>,
    Second: Substitute<T, E>,
{
    type Answer = OrAnswer<First::Answer, Second::Answer>;

    const LINKS: usize = First::LINKS + Second::LINKS;

    fn begin(&self, link: usize, error: &Error<E>) -> Begun<T, Self::Answer> {
        match link.checked_sub(First::LINKS) {
            None => self.first.begin(link, error).map_later(OrAnswer::First),
            Some(link) => self.second.begin(link, error).map_later(OrAnswer::Second),
        }
    }

    fn poll_answer(
        &self,
        answer: Pin<&mut Self::Answer>,
        error: &Error<E>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<T>> {
        match answer.project() {
            OrProjection::First(first) => self.first.poll_answer(first, error, cx),
            OrProjection::Second(second) => self.second.poll_answer(second, error, cx),
        }
    }
}

macro_rules! clone_and_debug {
    ($($name:ident),*) => {$(
        impl<F: Clone, E> Clone for $name<F, E> {
            fn clone(&self) -> Self {
                Self(self.0.clone(), PhantomData)
            }
        }

        impl<F, E> fmt::Debug for $name<F, E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

clone_and_debug!(With, TryWith, WithAsync);
