//! Retrying as a method of a closure.

use seawall_core::{FromFn, Lazy};

use crate::{Retry, RetryCall};

/// Adds `retry` to closures that make a future.
///
/// ```
/// use seawall_retry::{Retry, Retryable};
///
/// # async fn fetch() -> Result<u32, std::io::Error> { Ok(42) }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let retry = Retry::builder().idempotent().build()?;
/// let answer = fetch.retry(&retry).await?;
/// assert_eq!(answer, 42);
/// # Ok(())
/// # }
/// ```
pub trait Retryable<Fut, T, E>: FnMut() -> Fut + Sized
where
    Fut: Future<Output = Result<T, E>>,
{
    /// [`Retry::call`] the other way round.
    fn retry(self, retry: &Retry) -> Lazy<RetryCall<'_, FromFn<'static, Self>>> {
        retry.call(self)
    }
}

impl<F, Fut, T, E> Retryable<Fut, T, E> for F
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
}
