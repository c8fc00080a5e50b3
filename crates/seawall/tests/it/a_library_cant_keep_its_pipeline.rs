//! A library that puts its own layers together had no type for the field that holds them and is called
//! by methods with different results; a struct generic over its pipeline did not compile.

use std::io;
use std::time::Duration;

use seawall::{AnyPipeline, Breaker, Class, ErasedPipeline, Error, Pipeline, Retry, StopReason};
use tokio::time::Instant;

fn class(error: &io::Error) -> Class {
    match error.kind() {
        io::ErrorKind::NotFound => Class::Permanent,
        _ => Class::Transient,
    }
}

fn refused() -> io::Error {
    io::ErrorKind::ConnectionRefused.into()
}

#[derive(Clone)]
struct Inventory {
    pipeline: ErasedPipeline<io::Error>,
}

impl Inventory {
    fn new() -> Self {
        let pipeline = Pipeline::builder("inventory")
            .timeout(Duration::from_secs(9))
            .retry(Retry::builder().max_attempts(2))
            .breaker(Breaker::builder().consecutive_failures(3))
            .guard_panics()
            .classify(class);
        Self { pipeline: pipeline.build().unwrap().erased() }
    }

    async fn stock(&self, id: &str) -> Result<usize, Error<io::Error>> {
        self.pipeline.call(|| async { Ok(id.len()) }).await
    }

    async fn name(&self, id: &str) -> Result<String, Error<io::Error>> {
        self.pipeline
            .call_with(|attempt| async move { Ok(format!("{id} {}", attempt.number())) })
            .await
    }
}

#[tokio::test(start_paused = true)]
async fn one_field_serves_results_of_any_type() {
    let inventory = Inventory::new();
    assert_eq!(inventory.stock("nails").await.unwrap(), 5);
    assert_eq!(inventory.name("nails").await.unwrap(), "nails 1");
    assert_eq!(inventory.pipeline.name().as_str(), "inventory");
    assert_eq!(inventory.pipeline.describe().max_attempts(), Some(2));
    assert_eq!(inventory.pipeline.findings().len(), 2, "{}", inventory.pipeline.describe());
    // In a task, as a handler of axum is.
    let task = tokio::spawn(async move { inventory.clone().stock("nuts").await });
    assert_eq!(task.await.unwrap().unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn policies_are_shared_by_all_its_calls() {
    let inventory = Inventory::new();
    let down = || async { Err::<u32, _>(refused()) };
    let error = inventory.pipeline.call(down).idempotent(true).await.unwrap_err();
    assert_eq!(error.gave_up().map(|it| (it.attempts, it.why)), Some((2, StopReason::Attempts)));
    let missing = || async { Err::<String, _>(io::ErrorKind::NotFound.into()) };
    let error = inventory.pipeline.call(missing).await.unwrap_err();
    assert_eq!(error.class(), Class::Permanent);
    for _ in 0..3 {
        drop(inventory.pipeline.call(down).await);
    }
    assert!(inventory.stock("nails").await.unwrap_err().rejection().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_call_has_its_options_and_can_be_dropped() {
    let inventory = Inventory::new();
    let hangs = || std::future::pending::<io::Result<()>>();
    let soon = Instant::now() + Duration::from_secs(1);
    let error = inventory.pipeline.call(hangs).deadline(soon).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(Instant::now(), soon);
    // The second answers: the place of the first was given back when it was dropped.
    let one = Pipeline::builder("inventory").bulkhead(1).build().unwrap().erased::<io::Error>();
    assert!(tokio::time::timeout(Duration::from_secs(1), one.call(hangs)).await.is_err());
    assert_eq!(one.call(|| async { Ok(42) }).await.unwrap(), 42);
}

/// Its user chooses the layers.
struct Client<P> {
    pipeline: P,
}

impl<P> Client<P>
where
    P: AnyPipeline<u32, io::Error> + AnyPipeline<String, io::Error>,
{
    async fn stock(&self) -> Result<u32, Error<io::Error>> {
        self.pipeline.call(|| async { Ok(42) }).await
    }

    async fn name(&self) -> Result<String, Error<io::Error>> {
        let call =
            self.pipeline.call_with(|attempt| async move { Ok(attempt.number().to_string()) });
        call.idempotent(true).await
    }
}

async fn works<P>(pipeline: P)
where
    P: AnyPipeline<u32, io::Error> + AnyPipeline<String, io::Error>,
{
    let client = Client { pipeline };
    assert_eq!(client.stock().await.unwrap(), 42);
    assert_eq!(client.name().await.unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn a_struct_is_generic_over_its_pipeline() {
    works(Pipeline::standard("inventory").build().unwrap()).await;
    let custom = || Pipeline::builder("inventory").retry(Retry::builder()).classify(class);
    works(custom().build().unwrap()).await;
    works(custom().bulkhead(1).build().unwrap().erased()).await;
    // For one result, a box will do.
    let boxed = custom().build().unwrap().boxed::<u32, io::Error>();
    assert_eq!(AnyPipeline::call(&boxed, || async { Ok(42) }).await.unwrap(), 42);
}
