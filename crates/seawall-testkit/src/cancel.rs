use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

/// Runs `future`, but drops it after it was pending `awaits` times.
///
/// Returns its output, or `None` if it was dropped. With 0 the future is dropped without a poll.
pub fn drop_after<Fut: Future>(awaits: usize, future: Fut) -> DropAfter<Fut> {
    DropAfter { future: Some(future), left: awaits }
}

/// The future of [`drop_after`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct DropAfter<Fut> {
    #[pin]
    future: Option<Fut>,
    left: usize,
}

impl<Fut: Future> Future for DropAfter<Fut> {
    type Output = Option<Fut::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if *this.left > 0 {
            let Some(future) = this.future.as_mut().as_pin_mut() else {
                return Poll::Ready(None);
            };
            if let Poll::Ready(output) = future.poll(cx) {
                this.future.set(None);
                return Poll::Ready(Some(output));
            }
            *this.left -= 1;
            if *this.left > 0 {
                return Poll::Pending;
            }
        }
        this.future.set(None);
        Poll::Ready(None)
    }
}

/// Drops the future of `make` at each of its awaits, in one run for each, until a run reaches the end.
///
/// `check` is called after each run, with the output or with `None` if the future was dropped, and
/// asserts that everything was given back. Returns the number of awaits. Pause the clock, so that all
/// runs take the same path.
///
/// # Panics
///
/// After 10,000 runs: a future that never ends has no last await.
pub async fn at_every_await<Fut: Future>(
    mut make: impl FnMut() -> Fut,
    mut check: impl FnMut(Option<Fut::Output>),
) -> usize {
    for awaits in 0..10_000 {
        let output = drop_after(awaits, make()).await;
        let over = output.is_some();
        check(output);
        if over {
            return awaits - 1;
        }
    }
    panic!("still not over after 10,000 runs");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Alive;

    #[tokio::test(start_paused = true)]
    async fn a_future_with_three_awaits_is_dropped_at_each() {
        let alive = Alive::default();
        let mut outputs = Vec::new();
        let awaits = at_every_await(
            || {
                let token = alive.token();
                async move {
                    let _token = token;
                    tokio::task::yield_now().await;
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    tokio::task::yield_now().await;
                    "over"
                }
            },
            |output| {
                assert_eq!(alive.now(), 0);
                outputs.push(output);
            },
        )
        .await;
        assert_eq!(awaits, 3);
        assert_eq!(outputs, [None, None, None, None, Some("over")]);
    }
}
