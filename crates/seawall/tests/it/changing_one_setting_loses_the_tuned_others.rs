//! `standard().retry(Retry::builder().max_attempts(5))` took the place of the tuned retry: one setting
//! was changed, and the budget was another one without a word.

use std::time::Duration;

use seawall::{AdaptiveLimit, StandardPipeline};
use seawall::{Breaker, LayerDescription, Pipeline, PolicyKind, Retry, StandardBuilder};

fn standard() -> StandardBuilder {
    Pipeline::standard("inventory")
}

fn text(pipeline: &StandardPipeline, kind: PolicyKind) -> String {
    let description = pipeline.describe();
    let of_kind = |layer: &&LayerDescription| layer.kind == kind;
    description.layers().iter().find(of_kind).map(|layer| format!("{layer:?}")).unwrap()
}

#[test]
fn a_changed_retry_keeps_the_tuned_budget() {
    let pipeline = standard().retry(|retry| retry.max_attempts(5)).idempotent().build().unwrap();
    let given = StandardBuilder::default_retry().max_attempts(5).idempotent();
    let expected = standard().with_retry(given).build().unwrap();
    assert_eq!(text(&pipeline, PolicyKind::Retry), text(&expected, PolicyKind::Retry));
    assert_eq!(pipeline.describe().max_attempts(), Some(5));
    let plain = Retry::builder().max_attempts(5).idempotent();
    let plain = standard().with_retry(plain).build().unwrap();
    assert_ne!(text(&pipeline, PolicyKind::Retry), text(&plain, PolicyKind::Retry));
}

#[test]
fn a_changed_breaker_keeps_the_short_wait() {
    let change = |breaker: seawall::breaker::BreakerBuilder| breaker.consecutive_failures(3);
    let pipeline = standard().breaker(change).build().unwrap();
    let expected = standard().with_breaker(change(StandardBuilder::default_breaker()));
    let expected = text(&expected.build().unwrap(), PolicyKind::Breaker);
    assert_eq!(text(&pipeline, PolicyKind::Breaker), expected);
    let plain = standard().with_breaker(change(Breaker::builder())).build().unwrap();
    assert_ne!(text(&plain, PolicyKind::Breaker), expected);
}

#[test]
fn changes_add_up_and_start_again_after_another_was_given() {
    let twice = standard()
        .retry(|retry| retry.max_attempts(5))
        .retry(|retry| retry.max_retry_after(Duration::from_secs(1)))
        .idempotent()
        .build()
        .unwrap();
    assert_eq!(twice.describe().max_attempts(), Some(5));
    let again = standard().with_retry(Retry::builder().max_attempts(5)).retry(|retry| retry);
    assert_eq!(again.idempotent().build().unwrap().describe().max_attempts(), Some(3));
    let back = standard().without_limit().adaptive_limit(|limit| limit.min(2)).build().unwrap();
    assert!(back.adaptive_limit().is_some());
    let given = AdaptiveLimit::builder().build().unwrap();
    let given = standard().with_adaptive_limit(given).build().unwrap();
    assert!(given.adaptive_limit().is_some());
}
