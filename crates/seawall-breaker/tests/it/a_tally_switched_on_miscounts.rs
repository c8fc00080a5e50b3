//! Calls in flight are admissions less what was settled. That is a number only where both were
//! counted from the beginning.

use seawall_breaker::{Breaker, BreakerBuilder};
use seawall_core::Class;

fn builder(tally: bool) -> BreakerBuilder {
    if tally { Breaker::builder().tally() } else { Breaker::builder() }
}

#[test]
fn a_tally_can_be_neither_switched_on_nor_off() {
    for tally in [false, true] {
        let breaker = builder(tally).build().unwrap();
        for _ in 0..5 {
            breaker.try_acquire().unwrap().failure(Class::Transient);
        }
        let error = breaker.reconfigure(builder(!tally)).unwrap_err();
        assert_eq!(error.field, "tally");
        breaker.reconfigure(builder(tally).probes(7)).unwrap();
        let _in_flight = breaker.try_acquire().unwrap();
        assert_eq!(breaker.snapshot().in_flight, tally.then_some(1));
    }
}
