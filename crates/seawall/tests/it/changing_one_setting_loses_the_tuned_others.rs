//! `standard().retry(Retry::builder().max_attempts(5))` took the place of the tuned retry: one setting
//! was changed, and the budget was another one without a word.

use seawall::{Breaker, CongestionControl, Pipeline, StandardBuilder, WhileDown};

fn standard() -> StandardBuilder {
    Pipeline::standard("inventory")
}

#[test]
fn changes_add_up_and_start_again_after_another_was_given() {
    let twice = standard()
        .congestion_control(|control| control.max_attempts(5))
        .congestion_control(|control| control.while_down(WhileDown::Refuse))
        .idempotent()
        .build()
        .unwrap();
    assert_eq!(twice.describe().max_attempts(), Some(5));
    assert!(twice.describe().to_string().contains("refuses while nothing is answered"));
    let given = CongestionControl::builder().max_attempts(5);
    let again = standard().with_congestion_control(given).congestion_control(|control| control);
    assert_eq!(again.idempotent().build().unwrap().describe().max_attempts(), Some(3));
    let back = standard().without_congestion_control().congestion_control(|control| control);
    assert!(back.build().unwrap().congestion_control().is_some());
    let given = CongestionControl::builder().build().unwrap();
    let given = standard().with_congestion_control(given).build().unwrap();
    assert!(given.congestion_control().is_some());
}

#[test]
fn a_breaker_is_added_by_a_change_of_it() {
    let added = standard().breaker(|breaker| breaker.consecutive_failures(3)).build().unwrap();
    let given = Breaker::builder().consecutive_failures(3);
    let given = standard().with_breaker(given).build().unwrap();
    assert_eq!(added.describe().to_string(), given.describe().to_string());
    let again = standard().breaker(|breaker| breaker).without_breaker().build().unwrap();
    assert!(again.breaker().is_none());
}
