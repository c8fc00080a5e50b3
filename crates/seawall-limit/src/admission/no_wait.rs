use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use seawall_core::Rejection;

/// The wait for a `P` at a limit where nobody waits: there is none, and no place for it in futures.
#[derive(Debug)]
pub struct NoWait<P>(Infallible, PhantomData<fn() -> P>);

impl<P> Future for NoWait<P> {
    type Output = Result<P, Rejection>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match self.0 {}
    }
}
