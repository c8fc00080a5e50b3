//! The peers, each configured as its own documentation recommends.

use std::task::{Context, Poll};

use tower::Service;

use crate::{Case, poll};

pub mod breaker;
pub mod guard;
pub mod limit;
pub mod more;
pub mod pipeline;
pub mod retry;
pub mod shutdown;

pub use more::{futures, instances, many, shared, windows};

/// Every case of a peer's.
pub fn cases() -> Vec<Case> {
    [
        breaker::cases(),
        retry::cases(),
        guard::cases(),
        shutdown::cases(),
        pipeline::cases(),
        limit::cases(),
    ]
    .concat()
}

/// One call of a tower service, borrowed for it: first ready, then called.
#[expect(clippy::inline_always, reason = "as `poll`")]
#[inline(always)]
fn serve<S: Service<()>>(service: &mut S, cx: &mut Context<'_>) -> Result<S::Response, S::Error> {
    match service.poll_ready(cx) {
        Poll::Ready(Ok(())) => poll(service.call(()), cx),
        Poll::Ready(Err(error)) => Err(error),
        Poll::Pending => panic!("the service has no room for a call"),
    }
}
