use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::Rejection;

/// The wait for a permit `P` at a policy where no call waits. There is none, so futures need no
/// space for it.
#[derive(Debug)]
pub struct NoWait<P>(Infallible, PhantomData<fn() -> P>);

impl<P> Future for NoWait<P> {
    type Output = Result<P, Rejection>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match self.0 {}
    }
}
