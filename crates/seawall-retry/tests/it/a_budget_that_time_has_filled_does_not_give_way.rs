//! Seen here: a key's budget that was full again, by the clock alone, counted as spent until
//! somebody looked at it. With no call left to look, it kept its place from new keys for ever.

use std::time::Duration;

use seawall_retry::{Budget, KeyedBudget};

#[tokio::test(start_paused = true)]
async fn a_key_whose_budget_time_has_filled_gives_way() {
    let template = Budget::builder().deposit(0.0).reserve(1.0).refill_per_second(1.0);
    let budgets = KeyedBudget::new(template, 1).unwrap();
    budgets.get(&"a").try_acquire().unwrap().start();
    let _ = budgets.get(&"b");
    assert_eq!(budgets.overflowed(), 1, "a's is spent");
    tokio::time::advance(Duration::from_secs(1)).await;
    let _ = budgets.get(&"b");
    assert_eq!((budgets.overflowed(), budgets.len()), (1, 1), "a's is full again");
}
