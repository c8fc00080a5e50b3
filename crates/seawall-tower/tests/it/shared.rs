//! Any service as one that can be cloned.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use seawall::{Pipeline, Retry};
use seawall_testkit::{at_every_await, drop_after};
use seawall_tower::{PipelineLayer, Shared};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;
use tower::{Layer, Service, ServiceExt};

/// Has slots, is no `Clone`, and keeps only its caller's last waker.
struct Slots {
    free: PollSemaphore,
    permit: Option<OwnedSemaphorePermit>,
    log: Arc<Mutex<Vec<u32>>>,
}

impl Slots {
    fn new(slots: usize) -> (Self, Arc<Mutex<Vec<u32>>>) {
        let log = Arc::new(Mutex::new(Vec::new()));
        let free = PollSemaphore::new(Arc::new(Semaphore::new(slots)));
        (Self { free, permit: None, log: Arc::clone(&log) }, log)
    }
}

impl Service<u32> for Slots {
    type Response = u32;
    type Error = io::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = io::Result<u32>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.permit.is_none() {
            self.permit = std::task::ready!(self.free.poll_acquire(cx));
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        let permit = self.permit.take().expect("called without being ready");
        self.log.lock().push(request);
        Box::pin(async move {
            let _permit = permit;
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok(request)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn calls_get_the_service_in_the_order_in_which_they_came() {
    let (slots, log) = Slots::new(2);
    let shared = Shared::new(slots);
    let began = tokio::time::Instant::now();
    let calls: Vec<_> =
        (0..50).map(|number| tokio::spawn(shared.clone().oneshot(number))).collect();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap() as usize, number);
    }
    assert_eq!(*log.lock(), (0..50).collect::<Vec<_>>());
    assert_eq!(began.elapsed(), Duration::from_millis(250));
    assert_eq!(shared.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_leaves_lets_the_next_one_have_its_turn() {
    let (slots, log) = Slots::new(1);
    let shared = Shared::new(slots);
    let first = tokio::spawn(shared.clone().oneshot(0));
    tokio::task::yield_now().await;
    // The first in the order, which holds the service's only waker, and one behind it.
    let leaving = tokio::spawn(shared.clone().oneshot(1));
    let next = tokio::spawn(shared.clone().oneshot(2));
    tokio::task::yield_now().await;
    assert_eq!(shared.waiting(), 2);
    leaving.abort();
    assert_eq!(next.await.unwrap().unwrap(), 2);
    assert_eq!(first.await.unwrap().unwrap(), 0);
    assert_eq!(*log.lock(), [0, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_at_any_point_leaves_the_service_usable() {
    let awaits = at_every_await(
        || async {
            let (slots, log) = Slots::new(1);
            let shared = Shared::new(slots);
            let calls = [0, 1, 2].map(|number| shared.clone().oneshot(number));
            let [a, b, c] = calls;
            let (a, b, c) = tokio::join!(a, b, c);
            drop((a.unwrap(), b.unwrap(), c.unwrap(), log));
            shared.oneshot(7).await.unwrap()
        },
        |_| {},
    )
    .await;
    assert!(awaits >= 3, "{awaits}");
    // The first in the order is dropped at each of its awaits, and others go on.
    for after in 0..3 {
        let (slots, _) = Slots::new(1);
        let shared = Shared::new(slots);
        let holder = tokio::spawn(shared.clone().oneshot(0));
        tokio::task::yield_now().await;
        let leaving = tokio::spawn(drop_after(after, shared.clone().oneshot(1)));
        let next = tokio::spawn(shared.clone().oneshot(2));
        assert_eq!(next.await.unwrap().unwrap(), 2);
        drop((holder.await, leaving.await));
        assert_eq!(shared.waiting(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_a_service_for_a_pipeline_that_repeats() {
    let (slots, log) = Slots::new(1);
    let pipeline = Pipeline::builder("slots").retry(Retry::builder().idempotent()).build().unwrap();
    let service = PipelineLayer::new(pipeline).layer(Shared::new(slots));
    let calls: Vec<_> =
        (0..20).map(|number| tokio::spawn(service.clone().oneshot(number))).collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(log.lock().len(), 20);
}

/// Calls itself through a handle while it is called.
struct Inner(Arc<Mutex<Option<Shared<Inner>>>>);

impl Service<u32> for Inner {
    type Response = u32;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<u32>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        let again = self.0.lock().clone();
        if let Some(mut shared) = again {
            let mut call = pin!(shared.call(request));
            let pending = call.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop()));
            assert!(pending.is_pending(), "it is not its turn");
        }
        std::future::ready(Ok(request))
    }
}

#[tokio::test]
async fn a_service_that_calls_itself_does_not_deadlock() {
    let cell = Arc::new(Mutex::new(None));
    let shared = Shared::new(Inner(Arc::clone(&cell)));
    *cell.lock() = Some(shared.clone());
    assert_eq!(shared.clone().oneshot(3).await.unwrap(), 3);
    *cell.lock() = None;
    assert_eq!(shared.waiting(), 0);
}

/// Panics when it is called with 0.
struct Fragile;

impl Service<u32> for Fragile {
    type Response = u32;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<u32>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        assert_ne!(request, 0, "planned");
        std::future::ready(Ok(request))
    }
}

#[tokio::test]
async fn a_panic_of_the_service_leaves_it_to_the_others() {
    let shared = Shared::new(Fragile);
    assert!(tokio::spawn(shared.clone().oneshot(0)).await.is_err());
    assert_eq!(shared.clone().oneshot(1).await.unwrap(), 1);
    assert_eq!(Shared::layer().layer(Fragile).oneshot(2).await.unwrap(), 2);
}
