//! The subject of a digest says what failed.

use std::collections::HashSet;

use seawall_capture::Draft;

use crate::digest_bench::{Bench, SECOND};

async fn subject(failures: &[(&str, &str)]) -> String {
    let bench = Bench::new();
    for (type_name, message) in failures {
        bench.capture.record(Draft::new(type_name, message));
    }
    bench.clock.advance(SECOND * 30);
    let digest = bench.step().await.remove(0);
    assert_eq!(digest.text(4096).lines().next(), Some(digest.subject().as_str()));
    digest.subject()
}

#[tokio::test(start_paused = true)]
async fn of_one_and_of_many() {
    let gone = ("billing::Gone", "invoice 7 is gone");
    assert_eq!(subject(&[gone]).await, "shop: Gone: invoice <num> is gone (1 failure, new)");
    assert_eq!(subject(&[gone, gone]).await, "shop: Gone: invoice <num> is gone (2 failures, new)");
    assert_eq!(
        subject(&[gone, ("db::Away<billing::Pool>", "no route"), gone]).await,
        "shop: Gone: invoice <num> is gone (3 failures in 2 groups, 2 new)"
    );
    let long = subject(&[("E", &"it broke ".repeat(100))]).await;
    assert!(long.len() < 150 && long.ends_with("… (1 failure, new)"), "{long}");
}

#[tokio::test(start_paused = true)]
async fn different_failures_have_different_subjects() {
    let mut subjects = HashSet::new();
    for message in ["no route", "no price", "no stock"] {
        assert!(subjects.insert(subject(&[("E", message)]).await));
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_counted_in_singular_and_plural() {
    let bench = Bench::new();
    for n in 0..2 {
        bench.capture.record(Draft::new("E", &"long ".repeat(100)).fingerprint(n.to_string()));
    }
    bench.clock.advance(SECOND * 30);
    let digest = bench.step().await.remove(0);
    assert!(
        digest.text(1_000).ends_with("+1 more group with 1 failure\n"),
        "{}",
        digest.text(1_000)
    );
    assert!(digest.text(0).ends_with("+2 more groups with 2 failures\n"));
}
