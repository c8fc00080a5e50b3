//! Bodies that several attempts read.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use parking_lot::Mutex;
use seawall::{Backoff, Pipeline, Retry, StopReason};
use seawall_tower::PipelineLayer;
use seawall_tower::replay::{ByReplay, ReplayBody, ReplayError, ReplayLayer, ReplayMemory};
use tower::{Service, ServiceBuilder, service_fn};

type Steps = VecDeque<Step>;

enum Step {
    Frame(Frame<Bytes>),
    Fail(&'static str),
    Panic,
    /// Pending until the gate opens.
    Wait,
}

/// A body that a test drives. It keeps only its reader's last waker, as bodies do.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<(Steps, Option<Waker>)>>);

impl Scripted {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let scripted = Self::default();
        scripted.0.lock().0.extend(steps);
        scripted
    }

    fn of(texts: impl IntoIterator<Item = &'static str>) -> Self {
        Self::new(texts.into_iter().map(|text| Step::Frame(Frame::data(Bytes::from(text)))))
    }

    fn go_on(&self) {
        let mut script = self.0.lock();
        assert!(matches!(script.0.pop_front(), Some(Step::Wait)));
        let waker = script.1.take();
        drop(script);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn left(&self) -> usize {
        self.0.lock().0.len()
    }
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let mut script = self.0.lock();
        if matches!(script.0.front(), Some(Step::Wait)) {
            script.1 = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let step = script.0.pop_front();
        drop(script);
        Poll::Ready(match step {
            Some(Step::Frame(frame)) => Some(Ok(frame)),
            Some(Step::Fail(text)) => Some(Err(io::Error::other(text))),
            Some(Step::Panic) => panic!("planned: in the body"),
            Some(Step::Wait) | None => None,
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(1_000)
    }
}

fn body(inner: Scripted, per_request: usize) -> (ReplayBody<Scripted>, ReplayMemory) {
    let memory = ReplayMemory::new(1 << 20);
    (ReplayBody::new(inner, per_request, &memory), memory)
}

async fn text<B: Body<Data = Bytes, Error = ReplayError> + Unpin>(body: B) -> String {
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn next<B>(body: &mut ReplayBody<B>) -> Option<Result<Bytes, ReplayError>>
where
    ReplayBody<B>: Body<Data = Bytes, Error = ReplayError> + Unpin,
{
    let frame = body.frame().await?;
    Some(frame.map(|frame| frame.into_data().unwrap_or_default()))
}

#[tokio::test]
async fn each_attempt_reads_the_same_from_the_beginning() {
    let (first, memory) = body(Scripted::of(["one ", "two ", "three"]), 1 << 16);
    let mut half = first.again().unwrap();
    assert_eq!(next(&mut half).await.unwrap().unwrap(), "one ");
    // A 503 came before the body was read: what is kept and the rest, byte by byte the same.
    drop(half);
    assert_eq!(text(first.again().unwrap()).await, "one two three");
    assert_eq!(text(first.again().unwrap()).await, "one two three");
    assert!(first.is_whole());
    assert!(memory.totals().held > 13);
    drop(first);
    assert_eq!(memory.totals().held, 0);
}

#[tokio::test]
async fn the_last_one_keeps_nothing() {
    let (first, memory) = body(Scripted::of(["one ", "two ", "three"]), 1 << 16);
    let mut copy = first.again().unwrap();
    assert_eq!(next(&mut copy).await.unwrap().unwrap(), "one ");
    drop(copy);
    assert!(memory.totals().held > 0);
    let mut last = first;
    assert_eq!(next(&mut last).await.unwrap().unwrap(), "one ");
    assert_eq!(memory.totals().held, 0, "what the last attempt has read is read by nobody else");
    assert_eq!(next(&mut last).await.unwrap().unwrap(), "two ");
    assert_eq!(memory.totals().held, 0);
    assert!(!last.is_whole());
    assert!(last.again().is_none());
    assert_eq!(text(last).await, "three");
}

#[tokio::test]
async fn a_body_over_its_bound_is_freed_at_once_and_read_by_the_one_ahead() {
    let big: &'static str = Box::leak("x".repeat(300).into_boxed_str());
    let (first, memory) = body(Scripted::of(["one ", big, "three"]), 300);
    let mut ahead = first.again().unwrap();
    let mut behind = first.again().unwrap();
    assert_eq!(next(&mut ahead).await.unwrap().unwrap(), "one ");
    assert!(first.is_whole());
    assert_eq!(next(&mut ahead).await.unwrap().unwrap().len(), 300);
    assert_eq!(memory.totals().held, 0, "freed at once");
    assert_eq!(memory.totals().too_large, 1);
    assert!(!first.is_whole());
    assert!(first.again().is_none());
    assert!(matches!(next(&mut behind).await, Some(Err(ReplayError::TooLarge))));
    assert!(next(&mut behind).await.is_none(), "over after its error");
    assert_eq!(next(&mut ahead).await.unwrap().unwrap(), "three");
    assert!(next(&mut ahead).await.is_none());
    assert_eq!(memory.totals().too_large, 1, "counted once a body");
}

#[tokio::test]
async fn the_bound_over_all_holds_and_over_it_bodies_stream_unkept() {
    let memory = ReplayMemory::new(100_000);
    let mut held = Vec::new();
    for _ in 0..10_000 {
        let text = Bytes::from(vec![b'x'; 2_000]);
        let body = ReplayBody::new(Full::new(text), 1 << 16, &memory);
        let mut attempt = body.again().unwrap();
        assert_eq!(attempt.frame().await.unwrap().unwrap().into_data().unwrap().len(), 2_000);
        held.push((body, attempt));
        assert!(memory.totals().held <= 100_000);
    }
    let totals = memory.totals();
    assert!(totals.held > 90_000 && totals.peak <= 100_000, "{totals:?}");
    assert!(totals.no_room > 9_900, "{totals:?}");
    drop(held);
    assert_eq!(memory.totals().held, 0);
}

#[tokio::test]
async fn trailers_and_the_size_are_kept() {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let script = [
        Step::Frame(Frame::data(Bytes::from_static(b"data"))),
        Step::Frame(Frame::trailers(trailers.clone())),
    ];
    let (first, _) = body(Scripted::new(script), 1 << 16);
    assert_eq!(first.size_hint().exact(), Some(1_000));
    for mut attempt in [first.again().unwrap(), first.again().unwrap(), first] {
        assert_eq!(attempt.size_hint().exact(), Some(1_000));
        assert_eq!(next(&mut attempt).await.unwrap().unwrap(), "data");
        assert_eq!(attempt.size_hint().exact(), Some(996));
        let frame = attempt.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_trailers().unwrap(), trailers);
        assert!(attempt.frame().await.is_none());
        assert!(attempt.is_end_stream());
    }
}

#[tokio::test]
async fn a_body_without_frames_costs_nothing_and_is_always_whole() {
    let memory = ReplayMemory::new(0);
    let empty = ReplayBody::new(Empty::<Bytes>::new(), 0, &memory);
    assert!(empty.is_end_stream() && empty.is_whole());
    assert_eq!(empty.size_hint().exact(), Some(0));
    assert_eq!(text(empty.again().unwrap()).await, "");
}

#[tokio::test]
async fn the_end_of_a_body_is_seen_where_the_body_shows_it() {
    let memory = ReplayMemory::default();
    let body = ReplayBody::new(Full::new(Bytes::from_static(b"all")), 1 << 16, &memory);
    let mut attempt = body.again().unwrap();
    assert!(!attempt.is_end_stream());
    assert_eq!(attempt.frame().await.unwrap().unwrap().into_data().unwrap(), "all");
    assert!(attempt.is_end_stream(), "so that no empty chunk follows");
    assert!(!body.is_end_stream());
}

#[tokio::test]
async fn an_error_is_that_of_all_attempts_and_nothing_is_sent_again() {
    let script = [Step::Frame(Frame::data(Bytes::from_static(b"a"))), Step::Fail("reset")];
    let (first, _) = body(Scripted::new(script), 1 << 16);
    let (mut one, mut two) = (first.again().unwrap(), first.again().unwrap());
    for attempt in [&mut one, &mut two] {
        assert_eq!(next(attempt).await.unwrap().unwrap(), "a");
        assert_eq!(next(attempt).await.unwrap().unwrap_err().to_string(), "reset");
        assert!(next(attempt).await.is_none());
    }
    assert!(!first.is_whole());
}

#[tokio::test]
async fn a_panic_is_an_error_to_the_other_attempts() {
    let inner = Scripted::new([Step::Panic]);
    let (first, _) = body(inner, 1 << 16);
    let (mut one, mut two) = (first.again().unwrap(), first.again().unwrap());
    let panicked = tokio::spawn(async move { next(&mut one).await.is_some() }).await;
    assert!(panicked.unwrap_err().is_panic());
    assert!(matches!(next(&mut two).await, Some(Err(ReplayError::Panicked))));
}

/// Counts how often it is woken.
#[derive(Default)]
struct Counting(Mutex<usize>);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        *self.0.lock() += 1;
    }
}

#[tokio::test]
async fn the_body_wakes_all_attempts_that_wait() {
    let end = Step::Frame(Frame::data(Bytes::from_static(b"end")));
    let inner = Scripted::new([Step::Wait, end]);
    let (first, _) = body(inner.clone(), 1 << 16);
    let (mut one, mut two) = (first.again().unwrap(), first.again().unwrap());
    let wakers: [Arc<Counting>; 2] = Default::default();
    for (attempt, waker) in [&mut one, &mut two].into_iter().zip(&wakers) {
        let waker = Waker::from(Arc::clone(waker));
        let polled = Pin::new(attempt).poll_frame(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    // The first is dropped, whose waker the body may have kept.
    drop(one);
    inner.go_on();
    assert_eq!(*wakers[1].0.lock(), 1, "the second would sleep for ever");
    assert_eq!(*wakers[0].0.lock(), 0, "the first is gone");
    assert_eq!(next(&mut two).await.unwrap().unwrap(), "end");
}

#[tokio::test]
async fn an_attempt_that_reads_wakes_those_that_wait_behind_it() {
    let data = || Step::Frame(Frame::data(Bytes::from_static(b"data")));
    let inner = Scripted::new([Step::Wait, data(), Step::Wait, data()]);
    let (first, _) = body(inner.clone(), 1 << 16);
    let readers: Vec<_> = (0..3).map(|_| tokio::spawn(text(first.again().unwrap()))).collect();
    tokio::task::yield_now().await;
    inner.go_on();
    tokio::task::yield_now().await;
    inner.go_on();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), "datadata");
    }
}

/// Reads a request's body and answers as the script says.
async fn call(
    layer: ReplayLayer,
    outcomes: impl IntoIterator<Item = Result<(), &'static str>>,
    request: Request<Scripted>,
    reads: usize,
) -> (Result<(), seawall::Error<io::Error>>, Vec<String>) {
    let retry = Retry::builder().idempotent().max_attempts(3).backoff(Backoff::none());
    let pipeline = Pipeline::builder("uploads").retry(retry).build().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let outcomes = Arc::new(Mutex::new(outcomes.into_iter().collect::<VecDeque<_>>()));
    let service = service_fn({
        let seen = Arc::clone(&seen);
        move |request: Request<ReplayBody<Scripted>>| {
            let (seen, outcomes) = (Arc::clone(&seen), Arc::clone(&outcomes));
            async move {
                assert_eq!(request.headers()["x-id"], "7");
                assert_eq!(request.extensions().get(), Some(&"extension"));
                let mut read = String::new();
                let mut body = request.into_body();
                while let Some(frame) = body.frame().await {
                    let data = frame.map_err(io::Error::other)?.into_data().unwrap();
                    read.push_str(std::str::from_utf8(&data).unwrap());
                    if read.len() >= reads {
                        break;
                    }
                }
                seen.lock().push(read);
                outcomes.lock().pop_front().unwrap_or(Ok(())).map_err(io::Error::other)
            }
        }
    });
    let mut service = ServiceBuilder::new()
        .layer(layer)
        .layer(PipelineLayer::new(pipeline).repeat(ByReplay))
        .service(service);
    poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
    let outcome = service.call(request).await;
    (outcome, std::mem::take(&mut *seen.lock()))
}

fn request(body: Scripted) -> Request<Scripted> {
    let mut request = Request::put("/").header("x-id", "7").body(body).unwrap();
    request.extensions_mut().insert("extension");
    request
}

#[tokio::test]
async fn a_request_is_sent_again_with_its_head_its_extensions_and_its_body() {
    let body = Scripted::of(["one ", "two ", "three"]);
    let layer = ReplayLayer::new();
    let (outcome, seen) = call(layer, [Err("1"), Err("2")], request(body), 5).await;
    outcome.unwrap();
    assert_eq!(seen, ["one two "; 3]);
}

#[tokio::test]
async fn an_attempt_that_reads_nothing_leaves_the_body_alone() {
    let inner = Scripted::of(["one", "two"]);
    let (first, _) = body(inner.clone(), 1 << 16);
    drop(first.again().unwrap());
    assert_eq!(inner.left(), 2);
    assert_eq!(text(first).await, "onetwo");
}

#[tokio::test]
async fn a_body_over_its_bound_is_sent_once_and_the_first_outcome_is_the_calls() {
    let memory = ReplayMemory::default();
    let layer = ReplayLayer::new().per_request(80).memory(&memory);
    let body = Scripted::of(["a", "b", "c"]);
    let (outcome, seen) = call(layer, [Err("busy"); 3], request(body), 100).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.gave_up().unwrap().why, StopReason::NotRepeatable);
    assert_eq!(error.operation().unwrap().to_string(), "busy");
    assert_eq!(seen, ["abc"]);
    assert_eq!(memory.totals().too_large, 1);
    assert_eq!(memory.totals().held, 0);
}

#[tokio::test]
async fn frames_of_a_few_bytes_are_counted_with_what_they_cost() {
    let (first, memory) = body(Scripted::of(["x"; 50]), 1 << 16);
    drop(text(first.again().unwrap()).await);
    assert!(memory.totals().held >= 50 * 24, "{:?}", memory.totals());
}

#[tokio::test]
async fn it_can_be_dropped_at_any_point() {
    for reads in 0..4 {
        let (first, memory) = body(Scripted::of(["one ", "two ", "three"]), 1 << 16);
        let mut attempt = first.again().unwrap();
        for _ in 0..reads {
            drop(pin!(next(&mut attempt)).as_mut().await);
        }
        drop(attempt);
        assert_eq!(text(first).await, "one two three");
        assert_eq!(memory.totals().held, 0);
    }
}
