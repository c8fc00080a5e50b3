//! A hedge without a delay goes out as soon as the primary is found to be pending. It also went out
//! after a primary that had failed by then with something that is not to be repeated: a refusal by a
//! breaker inside, for instance.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use seawall_core::{Attempt, Class, Error, Lazy, Policy, PolicyKind, Reason, Rejection};
use seawall_retry::Hedge;
use seawall_testkit::{Script, Step};

use crate::scripted::{Outcome, Scripted};

fn refused() -> Outcome {
    Err(Rejection::new("orders".into(), PolicyKind::Breaker, Reason::Open).into())
}

#[tokio::test(start_paused = true)]
async fn what_is_not_to_be_repeated_is_not_hedged() {
    let hedge = Hedge::builder().delay(Duration::ZERO).max_attempts(3).build().unwrap();
    let ends: [fn() -> Outcome; 3] = [
        refused,
        || Err(Error::operation_failed("nobody waits", Class::Cancelled)),
        || Err(Error::operation_failed("says nothing", Class::Ignored)),
    ];
    for end in ends {
        let attempts = Cell::new(0);
        let outcome = Lazy::new(hedge.wrap(Scripted(|_: Attempt| {
            attempts.set(attempts.get() + 1);
            end()
        })));
        let error = outcome.await.unwrap_err();
        assert!(error.gave_up().is_none(), "as it is: {error}");
        assert_eq!(attempts.get(), 1, "{error}");
    }
    assert_eq!(hedge.budget().unwrap().snapshot().granted, 0);
}

#[tokio::test(start_paused = true)]
async fn how_long_to_wait_is_asked_only_where_there_is_something_to_wait_for() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let delay = move |_: &Attempt| {
        count.fetch_add(1, Relaxed);
        Duration::from_secs(1)
    };
    let hedge = Hedge::builder().delay_by(delay).max_attempts(2).build().unwrap();
    let slow = Script::<(), &str>::new([Step::after(Duration::from_secs(9), Ok(()))]);
    hedge.call(|| slow.run()).await.unwrap();
    assert_eq!((slow.started(), asked.load(Relaxed)), (2, 1));
}
