//! Policies meet an injected fault as they meet a real one.

use std::io;

use seawall::{Breaker, CircuitState, Class, EventKind, Pipeline};
use seawall_chaos::Chaos;
use seawall_testkit::Recorder;

use crate::{failing, failing_in};

#[tokio::test]
async fn a_breaker_opens_and_events_tell_it_from_real_ones() {
    let heard = Recorder::default();
    let breaker = Breaker::builder().name("shop").consecutive_failures(3).build().expect("valid");
    let pipeline = Pipeline::builder("shop")
        .breaker(breaker.clone())
        .layer(failing().enabled())
        .listener(heard.clone())
        .build()
        .expect("valid");
    for _ in 0..5 {
        let error = pipeline.call(async || Ok::<_, io::Error>(())).await.unwrap_err();
        if let Some(own) = error.operation() {
            assert!(own.to_string().starts_with("injected"));
        }
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    let injected = heard.events();
    let injected = injected.iter().filter(|event| matches!(event.kind, EventKind::Injected { .. }));
    assert_eq!(injected.count(), 3);
}

#[tokio::test]
async fn an_injected_error_has_the_class_that_its_classifier_says() {
    let chaos = failing().classify(|_: &io::Error| Class::Permanent).enabled();
    let pipeline = Pipeline::builder("shop").layer(chaos).build().expect("valid");
    let error = pipeline.call(async || Ok::<_, io::Error>(())).await.unwrap_err();
    assert_eq!(error.class(), Class::Permanent);
}

#[tokio::test]
async fn an_injected_panic_is_caught_by_the_guard() {
    let chaos = Chaos::builder().name("shop").panic(1.0).enabled().build().expect("valid");
    let pipeline = Pipeline::builder("shop").guard_panics().layer(chaos.clone()).build();
    let error = pipeline.expect("valid").call(async || Ok::<_, io::Error>(())).await.unwrap_err();
    let panicked = error.panicked().expect("a panic");
    assert_eq!(&*panicked.report.message, "injected by chaos 'shop'");
    assert_eq!((chaos.counts().panic, chaos.counts().failed, chaos.in_flight()), (1, 1, 0));
}

#[tokio::test]
async fn it_says_what_it_is() {
    let chaos = failing_in(0.02).never(0.001).enabled();
    let pipeline = Pipeline::builder("shop").layer(chaos).build().expect("valid");
    assert_eq!(pipeline.describe().layers()[0].text, "on: error 2 %, never 0.1 %");
    assert!(pipeline.call(async || Ok::<_, io::Error>(())).await.is_ok());
}
