//! A listener that makes a call on each refusal causes the next refusal: it would be called until the
//! stack ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{Class, Event, EventKind};

#[test]
fn a_listener_that_calls_the_breaker_on_each_refusal_is_called_once_a_refusal() {
    let breaker =
        Breaker::builder().consecutive_failures(1).open_wait(Duration::MAX).build().unwrap();
    let refusals = Arc::new(AtomicUsize::new(0));
    let (calls_back, counted) = (breaker.clone(), Arc::clone(&refusals));
    breaker.listeners().add(move |event: &Event| {
        if let EventKind::Rejected(_) = event.kind {
            counted.fetch_add(1, Ordering::Relaxed);
            assert!(calls_back.try_acquire().is_err());
        }
    });
    breaker.try_acquire().unwrap().failure(Class::Transient);
    for reported in 1..=3 {
        assert!(breaker.try_acquire().is_err());
        assert_eq!(refusals.load(Ordering::Relaxed), reported);
        assert_eq!(breaker.snapshot().totals.refused, 2 * reported as u64);
    }
}
