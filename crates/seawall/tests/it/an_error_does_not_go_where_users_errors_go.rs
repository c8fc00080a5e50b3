//! `?` did not take the error of an operation that fails with an `anyhow::Error`, a box or a
//! `String`, and a printer of the whole chain repeated the cause for each layer.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use seawall::{Class, Error, Pipeline, Retry};

type AnyError = Box<dyn StdError + Send + Sync>;

const HINT: Duration = Duration::from_secs(7);

#[derive(Debug, thiserror::Error)]
enum ApiError {
    #[error("the service is busy")]
    Busy(#[source] io::Error),
}

#[derive(Debug, thiserror::Error)]
enum AppError {
    #[error(transparent)]
    Typed(#[from] Error<ApiError>),
    #[error("no stock")]
    Boxed(#[from] Error),
}

fn busy() -> ApiError {
    ApiError::Busy(io::Error::other("queue full"))
}

/// A call of an operation that fails with `error`, repeated once.
async fn call<E>(error: impl Fn() -> E) -> Result<u32, Error<E>> {
    let pipeline = Pipeline::builder("inventory")
        .retry(Retry::builder().max_attempts(2).idempotent())
        .classify(|_: &E| Class::Overloaded { retry_after: Some(HINT) })
        .build()
        .unwrap();
    pipeline.call(|| std::future::ready(Err(error()))).await
}

fn check<E>(error: &Error<E>) {
    assert_eq!(error.class(), Class::Overloaded { retry_after: Some(HINT) });
    assert_eq!(error.retry_after(), Some(HINT));
    assert_eq!(error.gave_up().unwrap().attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn into_anyhow() {
    async fn typed() -> anyhow::Result<u32> {
        Ok(call(busy).await?)
    }
    async fn any() -> anyhow::Result<u32> {
        Ok(call(|| anyhow::Error::new(busy())).await.map_err(Error::boxed)?)
    }
    async fn boxed() -> anyhow::Result<u32> {
        Ok(call(|| AnyError::from(busy())).await.map_err(Error::boxed)?)
    }
    async fn text() -> anyhow::Result<u32> {
        Ok(call(|| "busy".to_owned()).await.map_err(Error::boxed)?)
    }
    check(typed().await.unwrap_err().downcast_ref::<Error<ApiError>>().unwrap());
    for error in [any().await, boxed().await, text().await].map(Result::unwrap_err) {
        check(error.downcast_ref::<Error>().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn into_a_box() {
    async fn typed() -> Result<u32, AnyError> {
        Ok(call(busy).await?)
    }
    async fn any() -> Result<u32, AnyError> {
        Ok(call(|| anyhow::Error::new(busy())).await.map_err(Error::boxed)?)
    }
    async fn boxed() -> Result<u32, AnyError> {
        Ok(call(|| AnyError::from(busy())).await.map_err(Error::boxed)?)
    }
    async fn text() -> Result<u32, AnyError> {
        Ok(call(|| "busy".to_owned()).await.map_err(Error::boxed)?)
    }
    check(typed().await.unwrap_err().downcast_ref::<Error<ApiError>>().unwrap());
    for error in [any().await, boxed().await, text().await].map(Result::unwrap_err) {
        check(error.downcast_ref::<Error>().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn into_an_enum_of_the_user() {
    async fn typed() -> Result<u32, AppError> {
        Ok(call(busy).await?)
    }
    async fn any() -> Result<u32, AppError> {
        Ok(call(|| anyhow::Error::new(busy())).await.map_err(Error::boxed)?)
    }
    async fn boxed() -> Result<u32, AppError> {
        Ok(call(|| AnyError::from(busy())).await.map_err(Error::boxed)?)
    }
    async fn text() -> Result<u32, AppError> {
        Ok(call(|| "busy".to_owned()).await.map_err(Error::boxed)?)
    }
    for error in [typed().await, any().await, boxed().await, text().await].map(Result::unwrap_err) {
        match error {
            AppError::Typed(error) => check(&error),
            AppError::Boxed(error) => check(&error),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_whole_chain_says_each_cause_once() {
    let typed = anyhow::Error::new(call(busy).await.unwrap_err());
    let any = call(|| anyhow::Error::new(busy())).await.unwrap_err();
    for error in [typed, anyhow::Error::new(any.boxed())] {
        let chain = format!("{error:#}");
        assert_eq!(chain.matches("the service is busy").count(), 1, "{chain}");
        assert_eq!(chain.matches("queue full").count(), 1, "{chain}");
        assert!(chain.starts_with("retry 'inventory': gave up after 2 of 2 attempts"), "{chain}");
    }
}

/// A log line of the error itself, without a way through `boxed`.
#[tokio::test(start_paused = true)]
async fn the_causes_of_an_anyhow_error_are_in_the_long_form() {
    let cause = || anyhow::Error::new(busy()).context("delivering");
    let error = call(cause).await.unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("last: delivering: the service is busy: queue full"), "{text}");
    assert!(!error.to_string().contains("queue full"), "{error}");
}
