//! What was written down may come back damaged. It is refused, or it makes a breaker that works.
#![cfg(feature = "serde")]

use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder, Export};
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

fn builder() -> BreakerBuilder {
    Breaker::builder().consecutive_failures(1).probes(1)
}

fn export(fields: &str) -> Export {
    serde_json::from_str(&format!(r#"{{"version": 1, {fields}}}"#)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn whatever_the_numbers_are_it_opens_and_closes_again() {
    let most = u64::MAX;
    let damaged = [
        r#""state": "open", "wait": 0, "left": 0"#.to_owned(),
        r#""state": "half-open", "wait": 0"#.to_owned(),
        format!(r#""state": "closed", "age": {most}, "openings": {}"#, u32::MAX),
        format!(r#""state": "half-open", "age": {most}, "wait": {most}, "left": {most}"#),
        format!(r#""state": "closed", "taken_at": {most}"#),
    ];
    for fields in damaged {
        let restored = builder().restore_after(export(&fields), Duration::ZERO);
        let breaker = restored.build().unwrap();
        for rounds in 0.. {
            match breaker.try_acquire() {
                Ok(permit) if breaker.state() == CircuitState::Closed => {
                    permit.failure(Class::Transient);
                    assert_eq!(breaker.state(), CircuitState::Open, "{fields}");
                    break;
                }
                permit => drop(permit.map(seawall_breaker::Permit::success)),
            }
            advance(Duration::from_millis(100)).await;
            assert!(rounds < 100, "{fields}: {:?}", breaker.snapshot());
        }
    }
}

#[test]
fn a_generation_that_no_breaker_gets_to_is_refused() {
    let generation = |generation: u64| {
        let fields = format!(r#""state": "closed", "generation": {generation}"#);
        builder().restore(export(&fields)).build()
    };
    generation((1 << 48) - 1).unwrap();
    for too_many in [1 << 48, 1 << 52, u64::MAX] {
        let error = generation(too_many).unwrap_err();
        assert_eq!(error.field, "restore");
        assert!(error.to_string().contains("of generation"), "{error}");
    }
}
