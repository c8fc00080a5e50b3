//! A service with others behind it: what its callers are answered, and what goes out with a request.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use seawall::{Class, Deadline, Error, Pipeline, PolicyKind, Reason, Rejection};
use seawall_http::{DeadlineReader, Problem, RequestOptions, RespondLayer};
use seawall_tower::PipelineLayer;
use tower::{ServiceBuilder, ServiceExt, service_fn};

fn answer(status: u16) -> Response<()> {
    Response::builder().status(status).header("retry-after", "7").body(()).unwrap()
}

#[test]
fn an_answer_passes_or_is_a_problem_of_ours() {
    for status in [200, 201, 304] {
        assert_eq!(Problem::unless_success(answer(status)).unwrap().status(), status);
    }
    for (status, ours, code, wait) in [
        (429, 503, "upstream_busy", Some(7)),
        (503, 503, "upstream_busy", Some(7)),
        (408, 504, "upstream_timed_out", None),
        (504, 504, "upstream_timed_out", None),
        (401, 502, "bad_gateway", None),
        (404, 502, "bad_gateway", None),
        (500, 502, "bad_gateway", None),
    ] {
        let problem = Problem::unless_success(answer(status)).unwrap_err();
        assert_eq!((problem.status.as_u16(), problem.code), (ours, code), "{status}");
        assert_eq!(problem.retry_after, wait.map(Duration::from_secs), "{status}");
    }
}

#[test]
fn the_failure_of_another_server_is_not_ours() {
    let failed = Error::operation_failed("reset", Class::Transient);
    let problem = Problem::of_upstream(&failed);
    assert_eq!((problem.status, problem.code), (StatusCode::BAD_GATEWAY, "bad_gateway"));
    assert_eq!(Problem::of(&failed).status, StatusCode::INTERNAL_SERVER_ERROR);
    let open = Rejection::new("prices".into(), PolicyKind::Breaker, Reason::Open);
    assert_eq!(Problem::of_upstream(&Error::<()>::from(open.clone())).code, "open");
    let problem = Problem::from(open.retry_in(Duration::from_secs(3)));
    assert_eq!((problem.status.as_u16(), problem.code), (503, "open"));
    assert_eq!(problem.retry_after, Some(Duration::from_secs(3)));
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_sends_has_the_deadline_of_its_request() {
    let each = Pipeline::builder("shop").timeout(Duration::from_secs(9)).build().unwrap();
    let reader = DeadlineReader::new(Duration::from_secs(2));
    let service = ServiceBuilder::new()
        .layer(RespondLayer::new().deadlines(reader))
        .layer(PipelineLayer::new(each).options(RequestOptions::new()))
        .service(service_fn(async |_: Request<Full<Bytes>>| {
            let left = Deadline::current().remaining().unwrap().as_millis();
            Ok::<_, std::convert::Infallible>(Response::new(left.to_string()))
        }));
    for (header, left) in [(Some("500m"), "500"), (None, "2000")] {
        let mut request = Request::new(Full::default());
        if let Some(header) = header {
            request.headers_mut().insert("grpc-timeout", header.parse().unwrap());
        }
        let answer = service.clone().oneshot(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, left);
    }
}
