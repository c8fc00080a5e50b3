//! A limit that is replaced while calls are under way.

use std::time::Duration;

use seawall_core::Scope;
use seawall_guard::Timeout;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_timer_that_runs_keeps_its_end_and_the_next_call_has_the_new_limit() {
    let timeout = Timeout::new(2 * SECOND);
    let handle = timeout.clone();
    let call = || async {
        let started = Instant::now();
        handle.call(std::future::pending::<Result<(), &str>>()).await.unwrap_err();
        started.elapsed()
    };
    let mut under_way = Box::pin(call());
    assert!(futures_poll(&mut under_way).await);
    timeout.reconfigure(Timeout::builder().limit(5 * SECOND)).unwrap();
    assert_eq!(under_way.await, 2 * SECOND);
    assert_eq!(call().await, 5 * SECOND);
    timeout.reconfigure(Timeout::builder().limit(SECOND / 10)).unwrap();
    assert_eq!(call().await, SECOND / 10);
}

/// Polls once; whether it is pending.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())
    })
    .await
}

#[test]
fn another_scope_and_a_function_need_a_timeout_of_their_own() {
    let timeout = Timeout::builder().name("t").limit(SECOND).build().unwrap();
    let scoped = Timeout::builder().scope(Scope::Attempt).limit(2 * SECOND);
    let error = timeout.reconfigure(scoped).unwrap_err();
    let expected = "timeout 't': scope is attempt, but must be what it was built with";
    assert_eq!(error.to_string(), expected);
    let by = || Timeout::builder().limit_by(|_| SECOND);
    assert_eq!(timeout.reconfigure(by()).unwrap_err().field, "limit_by");
    let error = by().build().unwrap().reconfigure(Timeout::builder().limit(SECOND)).unwrap_err();
    assert_eq!(error.field, "limit");
    let described = |timeout: &Timeout| {
        use seawall_core::Policy;
        timeout.describe(seawall_core::Description::bare()).longest()
    };
    assert_eq!(described(&timeout), Some(SECOND));
    timeout.reconfigure(Timeout::builder()).unwrap();
    assert_eq!(described(&timeout), Some(seawall_guard::timeout::DEFAULT_LIMIT));
}
