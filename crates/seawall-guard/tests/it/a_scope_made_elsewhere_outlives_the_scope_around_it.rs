//! A scope took the earlier of its own deadline and that of the scope in which it was made, not of the
//! one in which it runs: made in one place and awaited in another, it outlived its parent.

use std::future::{pending, poll_fn};
use std::task::Poll;
use std::time::Duration;

use seawall_guard::Deadline;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn the_scope_around_it_when_it_runs_counts() {
    let inner = Deadline::after(60 * SECOND).scope(async { Deadline::current() });
    let outer = Deadline::after(SECOND);
    assert_eq!(outer.scope(inner).await, outer);
}

#[tokio::test(start_paused = true)]
async fn and_not_the_one_in_which_it_was_made() {
    let own = Deadline::after(60 * SECOND);
    let make = || own.scope(async { Deadline::current() });
    let inner = Deadline::after(SECOND).scope(poll_fn(|_| Poll::Ready(make()))).await;
    assert_eq!(inner.await, own);
}

/// Notes the deadline at its drop.
struct Says<'a>(&'a std::cell::Cell<Option<Instant>>);

impl Drop for Says<'_> {
    fn drop(&mut self) {
        self.0.set(Deadline::current().instant());
    }
}

#[tokio::test(start_paused = true)]
async fn a_drop_in_a_scope_reads_its_deadline() {
    let said = std::cell::Cell::new(None);
    let says = Says(&said);
    let own = Deadline::after(60 * SECOND);
    let scope = own.scope(async move {
        let _says = says;
        pending::<()>().await;
    });
    assert!(tokio::time::timeout(SECOND, scope).await.is_err());
    assert_eq!(said.get(), own.instant());
}
