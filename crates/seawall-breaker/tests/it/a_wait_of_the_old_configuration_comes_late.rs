//! The waits of the next opening are drawn outside the lock. If their configuration was
//! replaced in the meantime, they are discarded.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder};
use seawall_core::{Backoff, Class};

const OLD: Duration = Duration::from_mins(1);
const NEW: Duration = Duration::from_secs(1);

fn builder(wait: impl Into<Backoff>) -> BreakerBuilder {
    Breaker::builder().consecutive_failures(1).open_wait(wait)
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_comes_while_waits_are_drawn_is_the_one_that_counts() {
    let own: Arc<Mutex<Option<Breaker>>> = Arc::default();
    let given = Arc::clone(&own);
    let backoff = Backoff::from_fn(move |_| {
        let breaker = given.lock().unwrap().take();
        if let Some(breaker) = breaker {
            breaker.reconfigure(builder(NEW)).unwrap();
        }
        OLD
    });
    let breaker = builder(backoff).build().unwrap();
    *own.lock().unwrap() = Some(breaker.clone());
    // It opens, the next waits are drawn, and then the configuration changes.
    breaker.try_acquire().unwrap().failure(Class::Transient);
    assert_eq!(breaker.snapshot().retry_after, Some(OLD));
    for _ in 0..2 {
        breaker.reset();
        breaker.try_acquire().unwrap().failure(Class::Transient);
        assert_eq!(breaker.snapshot().retry_after, Some(NEW));
    }
}
