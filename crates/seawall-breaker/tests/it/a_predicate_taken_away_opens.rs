//! A predicate is asked without the lock, so the configuration may be another one when it answers.
//! What it says then is of no interest.

use std::sync::{Arc, Mutex};

use seawall_breaker::{Breaker, BreakerBuilder};
use seawall_core::{CircuitState, Class};

fn asking() -> BreakerBuilder {
    Breaker::builder().without_failure_rate().min_calls(1)
}

/// A breaker whose predicate holds, but replaces the configuration first.
fn replacing(builder: impl Fn() -> BreakerBuilder + Send + Sync + 'static) -> Breaker {
    let own: Arc<Mutex<Option<Breaker>>> = Arc::default();
    let given = Arc::clone(&own);
    let predicate = move |_: &seawall_breaker::WindowCounts| {
        let breaker = given.lock().unwrap().take();
        if let Some(breaker) = breaker {
            breaker.reconfigure(builder()).unwrap();
        }
        true
    };
    let breaker = asking().open_when(predicate).build().unwrap();
    *own.lock().unwrap() = Some(breaker.clone());
    breaker
}

#[test]
fn what_held_opens_nothing_once_nobody_asks_it() {
    for changed in [asking, || asking().open_when(|_| false)] {
        let breaker = replacing(changed);
        breaker.try_acquire().unwrap().failure(Class::Transient);
        assert_eq!(breaker.state(), CircuitState::Closed);
    }
}
