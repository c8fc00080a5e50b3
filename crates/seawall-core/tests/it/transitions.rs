//! A transition says in one line what happened and why: evidence, time, or an operator.

use std::time::Duration;

use seawall_core::CircuitState::{
    Closed, ForcedClosed, ForcedOpen, HalfOpen, Open, Ramping, Shadow,
};
use seawall_core::{Evidence, Rule, Transition};

#[test]
fn evidence_and_the_wait_are_named() {
    let evidence = Evidence::new(Rule::ProbeFailures, 1.0, 1.0, 2);
    let reopened = Transition::new(HalfOpen, Open, 3)
        .because(Some(evidence))
        .retry_in(Some(Duration::from_millis(200)));
    assert_eq!(
        reopened.to_string(),
        "half-open → open: 1 of 2 probes failed, limit 1; retry in 200.000ms",
    );
}

#[test]
fn without_evidence_it_was_time_or_an_operator() {
    for (from, to, line) in [
        (Open, HalfOpen, "open → half-open: the wait is over"),
        (Ramping, Closed, "ramping → closed: all stages went well"),
        (Closed, ForcedOpen, "closed → forced open: ordered by an operator"),
        (ForcedOpen, Shadow, "forced open → shadow: ordered by an operator"),
        (ForcedClosed, Closed, "forced closed → closed: released by an operator"),
        (HalfOpen, Closed, "half-open → closed: reset"),
        (Closed, Open, "closed → open"),
    ] {
        assert_eq!(Transition::new(from, to, 1).to_string(), line);
    }
}
