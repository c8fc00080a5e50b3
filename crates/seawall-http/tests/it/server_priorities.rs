//! Under pressure the least important requests are refused first.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use seawall::limit::Priority;
use seawall::{AdaptiveLimit, Bulkhead, Deadline, Error, Pipeline, PolicyKind, Reason, Rejection};
use seawall_http::{HoldLayer, PriorityHeader, ReadPriority};
use seawall_tower::PipelineLayer;
use tokio::sync::Semaphore;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::by_hand::by_hand;

fn get(priority: &'static str) -> Request<()> {
    Request::get("/").header("x-priority", priority).body(()).unwrap()
}

type Answered = Result<Response<Full<Bytes>>, Error<Infallible>>;

async fn hello(_: Request<()>) -> Answered {
    Ok(Response::new(Full::from("hello")))
}

#[test]
fn the_header_says_a_word_or_nothing() {
    let header = PriorityHeader::new("x-priority").unwrap();
    for (value, priority) in [
        ("low", Some(Priority::Low)),
        ("normal", Some(Priority::Normal)),
        (" High ", Some(Priority::High)),
        ("CRITICAL", Some(Priority::Critical)),
        ("urgent", None),
        ("", None),
        ("low, critical", None),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("x-priority", HeaderValue::from_static(value));
        let mut request = Request::new(());
        *request.headers_mut() = headers;
        assert_eq!(header.priority(&request), priority, "{value}");
    }
    assert_eq!(header.priority(&Request::new(())), None);
    assert!(PriorityHeader::new("x priority").is_err());
}

#[tokio::test]
async fn shares_keep_room_for_what_is_more_important() {
    let limit = AdaptiveLimit::builder()
        .min(4)
        .initial(4)
        .max(4)
        .priority_share(Priority::Low, 0.5)
        .priority_share(Priority::Normal, 0.75)
        .build()
        .unwrap();
    let layer = HoldLayer::new(limit).priority(PriorityHeader::new("x-priority").unwrap());
    let service = layer.layer(service_fn(hello));
    let mut held = Vec::new();
    for (priority, is_admitted) in [
        ("low", true),
        ("low", true),
        ("low", false),
        ("nonsense", true),
        ("normal", false),
        ("low", false),
        ("critical", true),
        ("critical", false),
    ] {
        match service.clone().oneshot(get(priority)).await {
            Ok(answer) => {
                assert!(is_admitted, "{priority}");
                held.push(answer);
            }
            Err(error) => {
                assert!(!is_admitted, "{priority}");
                assert_eq!(error.rejection().unwrap().reason(), Reason::Full);
            }
        }
    }
    // The places come back with the ends of the bodies.
    for answer in held {
        answer.into_body().collect().await.unwrap();
    }
    assert!(service.oneshot(get("low")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_queue_serves_the_most_important_and_gives_up_the_least() {
    let limit = Bulkhead::builder()
        .limit(1)
        .queue(2, Duration::from_secs(1))
        .by_priority()
        .build()
        .unwrap();
    let layer = HoldLayer::new(limit.clone()).priority(PriorityHeader::new("x-priority").unwrap());
    let service = layer.layer(service_fn(hello));
    let first = service.clone().oneshot(get("low")).await.unwrap();
    let call = |priority| by_hand(service.clone().oneshot(get(priority)));
    let (mut low, mut normal) = (call("low"), call("normal"));
    assert!(low.poll().is_none());
    assert!(normal.poll().is_none());
    // The queue is full: the least important waiter makes room.
    let mut critical = call("critical");
    assert!(critical.poll().is_none());
    let shed = low.ready().unwrap_err();
    assert_eq!(shed.rejection().unwrap().reason(), Reason::Shed);
    // And one that is no more important than those that wait is refused at once.
    let mut late = call("low");
    assert_eq!(late.ready().unwrap_err().rejection().unwrap().reason(), Reason::QueueFull);
    drop(first);
    let answer = critical.ready().unwrap();
    assert!(normal.poll().is_none());
    drop(answer);
    let _answer = normal.ready().unwrap();
    assert_eq!(limit.snapshot().in_flight, 1, "to the end of the body, which is not read yet");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_past_its_deadline_or_keeps_a_place_that_it_gave_up() {
    let limit = Bulkhead::builder().limit(1).queue(8, Duration::from_mins(1)).build().unwrap();
    let service = HoldLayer::new(limit.clone()).layer(service_fn(hello));
    let held = service.clone().oneshot(get("low")).await.unwrap();
    let mut request = get("low");
    request.extensions_mut().insert(Deadline::after(Duration::from_millis(250)));
    let began = tokio::time::Instant::now();
    let error = service.clone().oneshot(request).await.unwrap_err();
    assert_eq!(began.elapsed(), Duration::from_millis(250));
    assert_eq!(error.rejection().unwrap().reason(), Reason::DeadlineTooNear);
    // A client that goes away while it waits.
    let mut gone = by_hand(service.clone().oneshot(get("low")));
    assert!(gone.poll().is_none());
    assert_eq!(limit.snapshot().queued, 1);
    drop(gone);
    assert_eq!(limit.snapshot().queued, 0);
    drop(held);
    assert_eq!(limit.snapshot().in_flight, 0);
}

/// T3: a request that waits for its permit reserves nothing inside.
#[tokio::test]
async fn what_waits_for_a_permit_holds_no_readiness() {
    let inside = Arc::new(Semaphore::new(1));
    let inner = tower::limit::ConcurrencyLimit::with_semaphore(service_fn(hello), inside.clone());
    let limit = Bulkhead::builder().limit(1).queue(8, Duration::from_mins(1)).build().unwrap();
    let mut service = HoldLayer::new(limit).layer(inner);
    let held = service.ready().await.unwrap().call(get("low")).await.unwrap();
    let mut waiting = by_hand(service.clone().oneshot(get("low")));
    assert!(waiting.poll().is_none());
    assert_eq!(inside.available_permits(), 1);
    drop(held);
    assert!(waiting.ready().is_ok());
}

#[tokio::test]
async fn a_function_may_read_the_priority() {
    let limit = Bulkhead::builder().limit(2).priority_share(Priority::Low, 0.5).build().unwrap();
    let by_path = |request: &Request<()>| match request.uri().path() {
        "/report" => Priority::Low,
        _ => Priority::High,
    };
    let service = HoldLayer::new(limit).priority(by_path).layer(service_fn(hello));
    let at = |path| Request::get(path).body(()).unwrap();
    let _report = service.clone().oneshot(at("/report")).await.unwrap();
    assert!(service.clone().oneshot(at("/report")).await.is_err());
    assert!(service.oneshot(at("/cart")).await.is_ok());
}

/// An adaptive limit learns of what the server did not manage, and of nothing else.
#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_teaches_an_adaptive_limit_nothing() {
    let limit = AdaptiveLimit::builder().min(1).initial(10).max(20).build().unwrap();
    let pipeline = Pipeline::builder("shop").timeout(Duration::from_secs(1)).build().unwrap();
    let inner = service_fn(async |request: Request<()>| {
        if request.uri().path() == "/hang" {
            std::future::pending::<()>().await;
        }
        hello(request).await.map_err(|_| std::io::Error::other("none"))
    });
    let service = HoldLayer::new(limit.clone()).layer(PipelineLayer::new(pipeline).layer(inner));
    let at = |path| Request::get(path).body(()).unwrap();
    let seen = || {
        let snapshot = limit.snapshot();
        (snapshot.limit, snapshot.in_flight, snapshot.lingering)
    };
    // While the handler works, and while the body is read.
    let mut gone = by_hand(service.clone().oneshot(at("/hang")));
    assert!(gone.poll().is_none());
    tokio::time::advance(Duration::from_millis(900)).await;
    drop(gone);
    assert_eq!(seen(), (10, 0, 0));
    drop(service.clone().oneshot(at("/")).await.unwrap());
    assert_eq!(seen(), (10, 0, 0));
    // The handler is cut off: the server bears less than that.
    assert!(service.clone().oneshot(at("/hang")).await.unwrap_err().is_timeout());
    assert_eq!(seen(), (7, 0, 0));
    // An error that has nothing to do with the load.
    let failing = service_fn(async |_: Request<()>| {
        Err::<Response<Full<Bytes>>, _>(Error::<Infallible>::from(Rejection::new(
            "inner".into(),
            PolicyKind::Breaker,
            Reason::Open,
        )))
    });
    let failing = HoldLayer::new(limit.clone()).layer(failing);
    assert!(failing.oneshot(at("/")).await.is_err());
    assert_eq!(seen(), (7, 0, 0));
}
