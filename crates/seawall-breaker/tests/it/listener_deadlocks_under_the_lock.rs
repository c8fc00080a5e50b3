//! Seen in sony/gobreaker (issue 37, pull request 119) and gascity (pull request 4839): the callback
//! for a change of state runs under the breaker's lock, and deadlocks when it asks the breaker.

use std::sync::mpsc::channel;
use std::thread::spawn;
use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{Class, Event};

#[test]
fn a_listener_and_a_predicate_ask_the_breaker_that_calls_them() {
    let (done, is_done) = channel();
    spawn(move || {
        let asked = std::sync::Arc::new(std::sync::OnceLock::<Breaker>::new());
        let ask = {
            let asked = std::sync::Arc::clone(&asked);
            move || {
                asked.get().map(|breaker| (breaker.state(), breaker.snapshot(), breaker.export()))
            }
        };
        let predicate = ask.clone();
        let breaker =
            Breaker::builder().consecutive_failures(2).without_failure_rate().min_calls(1);
        let breaker = breaker.open_when(move |_| predicate().is_none()).build().unwrap();
        breaker.listeners().add(move |_: &Event| drop(ask()));
        asked.set(breaker.clone()).unwrap();
        for _ in 0..2 {
            breaker.try_acquire().unwrap().failure(Class::Transient);
        }
        done.send(breaker.snapshot().totals.openings).unwrap();
    });
    assert_eq!(is_done.recv_timeout(Duration::from_secs(20)), Ok(1), "a deadlock");
}
