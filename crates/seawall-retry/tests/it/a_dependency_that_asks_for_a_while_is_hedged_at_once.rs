//! A failure launches the next attempt at once. It also did where the failure was that the dependency
//! has more to do than it can, and had said when to come back.

use std::time::Duration;

use seawall_core::{Class, PolicyExt};
use seawall_retry::Hedge;
use seawall_testkit::{Script, Step};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// Whether the next goes out after a primary that asked to be left alone for `retry_after`.
async fn hedged(retry_after: Option<Duration>) -> bool {
    let hedge = Hedge::builder().delay(SECOND).build().unwrap();
    let hedge = hedge.classify(move |_: &&str| Class::Overloaded { retry_after });
    let script = Script::new([Step::err("busy"), Step::ok(1)]);
    let start = Instant::now();
    let outcome = hedge.call(|| script.run()).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(outcome.is_ok(), script.started() == 2);
    outcome.is_ok()
}

#[tokio::test(start_paused = true)]
async fn only_what_asks_for_nothing_is_asked_again() {
    assert!(hedged(None).await);
    assert!(hedged(Some(Duration::ZERO)).await);
    assert!(!hedged(Some(SECOND / 1_000)).await);
    assert!(!hedged(Some(Duration::MAX)).await);
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_goes_on() {
    let retry_after = Some(SECOND);
    let hedge = Hedge::builder().delay(SECOND).max_attempts(5).build().unwrap();
    let hedge = hedge.classify(move |_: &&str| Class::Overloaded { retry_after });
    let slow = Step::after(9 * SECOND, Ok(7));
    let script = Script::new([slow, Step::err("busy"), Step::never()]);
    assert_eq!(hedge.call(|| script.run()).await.unwrap(), 7);
    assert_eq!(script.started(), 2);
}
