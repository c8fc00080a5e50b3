//! Congestion control that hedges: a second request while the first is slow, though nothing is lost.

use std::cell::Cell;
use std::time::Duration;

use seawall_core::{AllTransient, FromFn, Lazy, Policy};
use seawall_limit::CongestionControl;
use seawall_testkit::at_every_await;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep};

const MS: Duration = Duration::from_millis(1);

/// How long a call takes, and how many requests it sends, whose first takes `first` and the others 10 ms.
async fn call(control: &CongestionControl, first: Duration) -> (Duration, u32) {
    let (sent, began) = (Cell::new(0), Instant::now());
    let request = || {
        sent.set(sent.get() + 1);
        let time = if sent.get() == 1 { first } else { 10 * MS };
        async move {
            sleep(time).await;
            Ok::<_, &str>(())
        }
    };
    let wrapped = control.wrap(FromFn::new(request, &AllTransient));
    Lazy::new(wrapped).deadline(began + Duration::from_secs(10)).await.unwrap();
    (began.elapsed(), sent.get())
}

/// From 10 to 109 ms.
fn usual(number: u32) -> Duration {
    MS * (10 + number * 37 % 100)
}

async fn warm(control: &CongestionControl) {
    for number in 0..400 {
        call(control, usual(number)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_slower_than_19_of_20_gets_another_beside_it() {
    let control = CongestionControl::builder().idempotent().hedging().build().unwrap();
    warm(&control).await;
    let (took, sent) = call(&control, Duration::from_secs(3)).await;
    assert_eq!(sent, 2, "one more, and no third");
    assert!((80 * MS..150 * MS).contains(&took), "{took:?}");
    // Few of the usual ones are sent twice.
    let mut twice = 0;
    for number in 0..400 {
        twice += u32::from(call(&control, usual(number)).await.1 > 1);
    }
    assert!((4..60).contains(&twice), "{twice}");
    assert_eq!(control.snapshot().in_flight, u32::try_from(control.snapshot().lingering).unwrap());
}

#[tokio::test(start_paused = true)]
async fn before_anything_is_known_it_waits_for_two_seconds() {
    let control = CongestionControl::builder().idempotent().hedging().build().unwrap();
    let (took, sent) = call(&control, Duration::from_secs(3)).await;
    assert_eq!(sent, 2);
    assert!((2_000 * MS..2_100 * MS).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn only_handles_that_hedge_do_and_only_where_it_does_no_harm() {
    let plain = CongestionControl::builder().idempotent().build().unwrap();
    let hedging = plain.with_hedging();
    warm(&plain).await;
    assert_eq!(call(&plain, 200 * MS).await.1, 1);
    assert_eq!(call(&hedging, 300 * MS).await.1, 2, "it knows what the other has seen");
    let once = CongestionControl::builder().hedging().build().unwrap();
    warm(&once).await;
    assert_eq!(call(&once, 300 * MS).await.1, 1);
}

#[tokio::test(start_paused = true)]
async fn each_hedge_is_paid_for_by_a_success() {
    let control = CongestionControl::builder().idempotent().hedging().build().unwrap();
    warm(&control).await;
    let mut calls = JoinSet::new();
    let local = LocalSet::new();
    for _ in 0..16 {
        let control = control.clone();
        calls.spawn_local_on(async move { call(&control, 300 * MS).await.0 }, &local);
    }
    let times = local.run_until(calls.join_all()).await;
    let hedged_at_once = times.iter().filter(|took| **took < 150 * MS).count();
    // Ten are in store, and each that is answered early pays for one more.
    assert!((10..=16).contains(&hedged_at_once), "{hedged_at_once}");
}

#[tokio::test(start_paused = true)]
async fn dropped_at_every_await_it_gives_back_what_it_held() {
    let control = CongestionControl::builder().idempotent().hedging().build().unwrap();
    let awaits = at_every_await(
        || call(&control, Duration::from_secs(3)),
        |_| {
            let snapshot = control.snapshot();
            assert!(snapshot.in_flight as usize <= snapshot.lingering, "{snapshot:?}");
            assert_eq!(snapshot.waiting, 0);
        },
    )
    .await;
    assert!(awaits >= 2, "{awaits}");
}
