//! Seen in nora (issue 585): the probes of a dependency that is back are answered with 404s, which
//! count for nothing, and the circuit stays half-open for as long as they do.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class, FromFn, Lazy, Policy};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn an_answer_is_an_answer_even_if_it_is_not_found() {
    let breaker = Breaker::builder().consecutive_failures(1).probes(2).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(Duration::from_secs(1)).await;
    for _ in 0..2 {
        let not_found = FromFn::new(|| async { Err::<(), _>(404) }, &|_: &i32| Class::Permanent);
        assert!(Lazy::new(breaker.wrap(not_found)).await.is_err());
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}
