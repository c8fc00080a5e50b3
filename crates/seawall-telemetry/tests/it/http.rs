//! The routes and the layers, over a service.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use http::{Request, Response, StatusCode};
use seawall::{Breaker, Pipeline, Shutdown};
use seawall_telemetry::context::Context;
use seawall_telemetry::health::Health;
use seawall_telemetry::http::{ContextLayer, PropagateLayer, routes};
use seawall_telemetry::{Format, Metrics};
use tower::{ServiceBuilder, ServiceExt, service_fn};

const TOKEN: &str = "0123456789abcdef";

async fn ask(routes: &Router, path: &str, header: Option<(&str, &str)>) -> (StatusCode, String) {
    let mut request = Request::get(path);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let answer = routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn readiness_stays_with_all_circuits_open_and_ends_with_the_shutdown() {
    let metrics = Metrics::default();
    let breaker = Breaker::builder().name("db").build().unwrap();
    let pipeline = Pipeline::builder("db").breaker(breaker.clone()).build().unwrap();
    metrics.registry().register(&pipeline).unwrap();
    let shutdown = Shutdown::builder().build().unwrap();
    metrics.watch_readiness(shutdown.readiness());
    let builder = Health::builder().liveness(shutdown.liveness()).readiness(shutdown.readiness());
    let health = builder.registry(metrics.registry()).token(TOKEN).build().unwrap();
    let routes = routes::<()>(&metrics, &health);
    breaker.force_open();
    assert_eq!(ask(&routes, "/health/ready", None).await, (StatusCode::OK, "ready".to_owned()));
    assert!(metrics.text(Format::default()).contains("seawall_ready 1\n"));

    assert_eq!(ask(&routes, "/health", None).await.0, StatusCode::UNAUTHORIZED);
    let wrong = ("authorization", "Bearer 0123456789abcdeX");
    assert_eq!(ask(&routes, "/health", Some(wrong)).await.0, StatusCode::UNAUTHORIZED);
    let right = format!("Bearer {TOKEN}");
    let (status, report) = ask(&routes, "/health", Some(("authorization", &right))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(report.contains(r#""state":"forced_open""#) && !report.contains(TOKEN), "{report}");

    let mut readiness = shutdown.readiness();
    let stopping = shutdown.clone();
    tokio::spawn(async move { stopping.run().await });
    shutdown.trigger("a deploy");
    readiness.not_ready().await;
    assert_eq!(ask(&routes, "/health/ready", None).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask(&routes, "/health/live", None).await, (StatusCode::OK, "live".to_owned()));
    assert!(metrics.text(Format::default()).contains("seawall_ready 0\n"));
}

#[tokio::test(start_paused = true)]
async fn a_critical_pipeline_makes_the_process_unready_and_a_missing_heartbeat_dead() {
    let breaker = Breaker::builder().consecutive_failures(1).open_wait(Duration::from_secs(1));
    let pipeline = Pipeline::builder("db").breaker(breaker).build().unwrap();
    let shutdown = Shutdown::builder().build().unwrap();
    let builder = Health::builder().liveness(shutdown.liveness()).critical(&pipeline);
    let health = builder.build().unwrap();
    assert!(health.is_ready());
    let _ = pipeline.call(async || Err::<(), _>("down")).await;
    assert!(!health.is_ready());
    // One that is due lets the next call through: it says nothing against new work.
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(health.is_ready());
    assert_eq!(health.report()["circuits"][0]["state"], "open_due");
    assert_eq!(Health::builder().token("short").build().unwrap_err().field, "token");
    let routes = routes::<()>(&Metrics::default(), &health);
    assert_eq!(ask(&routes, "/health", None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_scraper_gets_the_format_that_it_asks_for() {
    let routes = routes::<()>(&Metrics::default(), &Health::builder().build().unwrap());
    let plain = ask(&routes, "/metrics", None).await.1;
    assert!(plain.contains("seawall_info{version=") && !plain.contains("# EOF"));
    let accept = ("accept", "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5");
    assert!(ask(&routes, "/metrics", Some(accept)).await.1.ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_request_runs_in_its_context_and_its_calls_carry_it_on() {
    let upstream = service_fn(async |request: Request<Body>| {
        let header = |name| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
        let seen = ["x-correlation-id", "x-source-service", "traceparent"].map(header);
        Ok::<_, std::io::Error>(Response::new(seen.join(" ")))
    });
    let client = ServiceBuilder::new().layer(PropagateLayer::new("shop")).service(upstream);
    let handler = async move || {
        let inside = Context::current().expect("in scope").trace_id();
        let answer = client.oneshot(Request::new(Body::empty())).await.unwrap();
        format!("{} {inside}", answer.into_body())
    };
    let app = Router::new().route("/", get(handler)).layer(ContextLayer::new());
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let request = Request::get("/")
        .header("x-correlation-id", "order-17")
        .header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"))
        .body(Body::empty());
    let answer = app.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(answer.headers()["x-correlation-id"], "order-17");
    let body = to_bytes(answer.into_body(), 1 << 10).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(body.starts_with(&format!("order-17 shop 00-{trace}-")), "{body}");
    assert!(body.ends_with(trace) && !body.contains("b7ad6b7169203331"), "{body}");
    assert!(Context::current().is_none());
}
