//! The accepted shapes of a caller. That these compile is most of the test.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use seawall::{
    Attempt, BoxPipeline, Breaker, Class, Classify, ConfigError, Error, Pipeline, Retry,
    StandardPipeline, Verdict,
};

const LIMIT: Duration = Duration::from_secs(1);

fn standard() -> StandardPipeline {
    Pipeline::standard("inventory").idempotent().build().unwrap()
}

async fn fetch() -> Result<u32, io::Error> {
    Ok(42)
}

async fn fetch_told(attempt: Attempt) -> Result<u32, io::Error> {
    Ok(attempt.number())
}

#[tokio::test]
async fn a_closure_that_makes_an_async_block() {
    let id = 41;
    let stock = standard().call(|| async { Ok::<_, io::Error>(id + 1) }).await.unwrap();
    assert_eq!(stock, 42);
}

#[tokio::test]
async fn a_borrowing_async_closure() {
    let key = String::from("k");
    let length = standard().call(async || Ok::<_, io::Error>(key.len())).await.unwrap();
    assert_eq!((length, key.as_str()), (1, "k"));
}

#[tokio::test]
async fn a_fn_item() {
    assert_eq!(standard().call(fetch).await.unwrap(), 42);
    assert_eq!(standard().call_with(fetch_told).await.unwrap(), 1);
}

#[tokio::test]
async fn a_closure_with_state_across_attempts() {
    let mut calls = 0;
    let pipeline = standard();
    let called = pipeline.call(|| {
        calls += 1;
        std::future::ready(if calls < 3 { Err("not yet") } else { Ok(calls) })
    });
    assert_eq!(called.await.unwrap(), 3);
    assert_eq!(calls, 3);
}

struct Inventory {
    pipeline: StandardPipeline,
    boxed: BoxPipeline<u32, io::Error>,
    prefix: String,
}

impl Inventory {
    #[expect(clippy::unused_async, reason = "stands for one that waits")]
    async fn fetch(&self, id: &str) -> Result<u32, io::Error> {
        Ok(u32::try_from(self.prefix.len() + id.len()).unwrap())
    }

    async fn stock(&self, id: &str) -> Result<u32, Error<io::Error>> {
        self.pipeline.call(|| self.fetch(id)).await
    }

    async fn stock_boxed(&self, id: &str) -> Result<u32, Error<io::Error>> {
        self.boxed.call(|| self.fetch(id)).await
    }
}

fn inventory() -> Inventory {
    Inventory { pipeline: standard(), boxed: standard().boxed(), prefix: "stock/".into() }
}

#[tokio::test]
async fn a_method_that_borrows_self() {
    let inventory = inventory();
    assert_eq!(inventory.stock("4711").await.unwrap(), 10);
    assert_eq!(inventory.stock_boxed("4711").await.unwrap(), 10);
}

#[tokio::test]
async fn spawned_though_the_closure_borrows_from_the_enclosing_function() {
    let inventory = Arc::new(inventory());
    let task = tokio::spawn(async move {
        let id = String::from("4711");
        inventory.pipeline.call(async || inventory.fetch(&id).await).await
    });
    assert_eq!(task.await.unwrap().unwrap(), 10);
}

/// What axum asks of a handler.
trait Handler<Args> {}

impl<F, Fut, A, B> Handler<(A, B)> for F
where
    F: Fn(A, B) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<String, String>> + Send,
{
}

struct State<S>(S);

async fn handler(State(app): State<Arc<Inventory>>, id: String) -> Result<String, String> {
    match app.stock(&id).await {
        Ok(stock) => Ok(stock.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

async fn inline_handler(State(app): State<Arc<Inventory>>, id: String) -> Result<String, String> {
    let stock = app.pipeline.call(|| async { app.fetch(&id).await }).await;
    stock.map(|stock| stock.to_string()).map_err(|error| error.to_string())
}

#[test]
fn a_handler_of_a_web_framework() {
    fn route<Args>(_: impl Handler<Args>) {}
    route(handler);
    route(inline_handler);
}

trait Client: Send + Sync + 'static {
    fn get(&self, id: u32) -> impl Future<Output = Result<u32, io::Error>> + Send;
}

impl Client for u32 {
    async fn get(&self, id: u32) -> Result<u32, io::Error> {
        Ok(self + id)
    }
}

async fn spawn_generic<K: Client>(client: Arc<K>, pipeline: Arc<StandardPipeline>) -> u32 {
    let task = tokio::spawn(async move { pipeline.call(|| client.get(2)).await });
    task.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_spawn_from_generic_code() {
    assert_eq!(spawn_generic(Arc::new(40), Arc::new(standard())).await, 42);
}

#[tokio::test]
async fn a_future_where_nothing_repeats() {
    let pipeline = Pipeline::builder("inventory")
        .timeout(LIMIT)
        .breaker(Breaker::builder())
        .guard_panics()
        .build()
        .unwrap();
    assert_eq!(pipeline.call_once(fetch()).await.unwrap(), 42);
}

#[tokio::test]
async fn one_pipeline_for_many_result_and_error_types() {
    let pipeline = standard();
    let number = pipeline.call(|| async { Ok::<u32, ()>(1) }).await;
    let text = pipeline.call(|| async { Err::<&str, _>(fmt_error()) }).await;
    assert_eq!(number.ok(), Some(1));
    assert!(text.unwrap_err().operation().is_some());
}

fn fmt_error() -> std::fmt::Error {
    std::fmt::Error
}

#[tokio::test]
async fn one_breaker_for_many_pipelines() -> Result<(), ConfigError> {
    let breaker = Breaker::builder().name("warehouse").build()?;
    let reads = Pipeline::builder("reads")
        .retry(Retry::builder().idempotent())
        .breaker(breaker.clone())
        .build()?;
    let writes = Pipeline::builder("writes").breaker(breaker.clone()).build()?;
    assert_eq!(reads.call(|| async { Ok::<_, ()>(1) }).await.ok(), Some(1));
    assert_eq!(writes.call(|| async { Ok::<_, io::Error>("x") }).await.ok(), Some("x"));
    Ok(())
}

#[tokio::test]
async fn any_order_composes() -> Result<(), ConfigError> {
    let pipeline = Pipeline::builder("backwards")
        .guard_panics()
        .timeout(2 * LIMIT)
        .breaker(Breaker::builder())
        .retry(Retry::builder().idempotent())
        .attempt_timeout(LIMIT)
        .build()?;
    assert_eq!(pipeline.call(fetch).await.unwrap(), 42);
    Ok(())
}

#[tokio::test]
async fn a_classifier_that_borrows_nothing() -> Result<(), ConfigError> {
    let pipeline = Pipeline::standard("inventory")
        .idempotent()
        .classify(|error: &io::Error| match error.kind() {
            io::ErrorKind::NotFound => Class::Permanent,
            _ => Class::Transient,
        })
        .build()?;
    let mut calls = 0;
    let missing = pipeline.call(|| {
        calls += 1;
        std::future::ready(Err::<(), _>(io::Error::from(io::ErrorKind::NotFound)))
    });
    assert_eq!(missing.await.unwrap_err().class(), Class::Permanent);
    assert_eq!(calls, 1);
    Ok(())
}

/// A classifier with a name, for the field of a struct.
struct IoErrors;

impl<T> Classify<T, io::Error> for IoErrors {
    type Failure = io::Error;

    fn classify(&self, outcome: Result<&T, &io::Error>) -> Verdict {
        outcome.map_or_else(class_of, |_| Class::Success).into()
    }
}

struct Classified {
    by_type: StandardPipeline<IoErrors>,
    by_pointer: StandardPipeline<fn(&io::Error) -> Class>,
    boxed: BoxPipeline<u32, io::Error>,
}

fn class_of(error: &io::Error) -> Class {
    match error.kind() {
        io::ErrorKind::NotFound => Class::Permanent,
        _ => Class::Transient,
    }
}

#[tokio::test]
async fn a_field_for_a_pipeline_with_a_classifier() -> Result<(), ConfigError> {
    let standard = || Pipeline::standard("inventory").idempotent();
    let fields = Classified {
        by_type: standard().classify(IoErrors).build()?,
        by_pointer: standard().classify(class_of as fn(&_) -> _).build()?,
        boxed: standard().classify(|error: &io::Error| class_of(error)).build()?.boxed(),
    };
    let missing = || std::future::ready(Err::<u32, _>(io::Error::from(io::ErrorKind::NotFound)));
    let errors = [
        fields.by_type.call(missing).await.unwrap_err(),
        fields.by_pointer.call(missing).await.unwrap_err(),
        fields.boxed.call(missing).await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.class() == Class::Permanent));
    Ok(())
}

/// What a state of axum has to be.
#[derive(Clone)]
struct Shop<C> {
    stock: StandardPipeline<C>,
    prices: BoxPipeline<u32, io::Error>,
}

#[tokio::test]
async fn a_state_that_is_cloned_for_each_request_shares_its_policies() {
    let class_of = |_: &io::Error| Class::Transient;
    let shop = Shop {
        stock: Pipeline::standard("stock").breaker(|it| it).classify(class_of).build().unwrap(),
        prices: standard().boxed(),
    };
    let request = shop.clone();
    request.stock.breaker().unwrap().force_open();
    assert!(matches!(shop.stock.call(fetch).await, Err(Error::Rejected(_))));
    assert_eq!(request.prices.call(fetch).await.unwrap(), 42);
}
