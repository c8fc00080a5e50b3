//! A supervisor formatted the whole message of a child's error before it cut it.

use std::fmt;

use seawall_core::panic::MAX_MESSAGE;
use seawall_guard::Supervisor;
use seawall_guard::task::Restart;

/// Its message has no end, and a reader that never stops fails the test.
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for said in 0.. {
            assert!(said < 10_000, "too much of it is read");
            f.write_str("äöü")?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_is_read_than_is_kept() {
    let supervisor = Supervisor::builder().max_restarts(0).build().unwrap();
    let talks = || std::future::ready(Err(Endless));
    let error = supervisor.child("talks", Restart::Always, talks).run().await.unwrap_err();
    let text = error.failed().unwrap();
    assert!(text.ends_with('…') && text.len() <= MAX_MESSAGE, "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_short_one_is_kept_whole() {
    let supervisor = Supervisor::builder().max_restarts(0).build().unwrap();
    let fails = || std::future::ready(Err("down"));
    let error = supervisor.child("fails", Restart::Always, fails).run().await.unwrap_err();
    assert_eq!(error.failed(), Some("down"));
}
