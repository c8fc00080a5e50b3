//! What a configuration holds is the user's, and so is what it does when it is dropped. A breaker
//! drops the old one outside its lock.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder};
use seawall_core::{Backoff, Random};

/// Asks the breaker when it is dropped.
struct Asks(Breaker);

impl Drop for Asks {
    fn drop(&mut self) {
        assert_eq!(self.0.snapshot().totals.failures, 0);
    }
}

#[test]
fn what_is_replaced_may_ask_the_breaker_as_it_goes() {
    let holding: [fn(Asks) -> BreakerBuilder; 3] = [
        |asks| {
            Breaker::builder().open_when(move |_| {
                let _ = &asks;
                false
            })
        },
        |asks| {
            Breaker::builder().open_wait(Backoff::from_fn(move |_| {
                let _ = &asks;
                Duration::from_secs(1)
            }))
        },
        |asks| {
            Breaker::builder().random(Random::from_fn(move || {
                let _ = &asks;
                0
            }))
        },
    ];
    for holding in holding {
        let breaker = Breaker::builder().build().unwrap();
        breaker.reconfigure(holding(Asks(breaker.clone()))).unwrap();
        let (done, is_done) = channel();
        thread::spawn(move || {
            breaker.reconfigure(Breaker::builder()).unwrap();
            done.send(()).unwrap();
        });
        is_done.recv_timeout(Duration::from_secs(20)).expect("a deadlock");
    }
}
