//! Seen in tower-resilience's `TokenBucketBudget` (joshrotenberg/tower-resilience#370): tokens per
//! second could be set, and nothing came with time; deposits of several threads were lost.

use std::thread;
use std::time::Duration;

use seawall_retry::Budget;

#[tokio::test(start_paused = true)]
async fn tokens_come_with_time() {
    let budget =
        Budget::builder().deposit(0.0).reserve(10.0).refill_per_second(0.5).build().unwrap();
    let take_all = || (0..100).filter(|_| budget.try_acquire().map(|mut it| it.start()).is_some());
    assert_eq!(take_all().count(), 10);
    tokio::time::advance(Duration::from_secs(8)).await;
    assert_eq!(take_all().count(), 4);
}

#[test]
fn no_deposit_of_any_thread_is_lost() {
    let budget = Budget::builder()
        .refill_per_second(0.0)
        .deposit(0.001)
        .reserve(0.0)
        .capacity(1_000.0)
        .build()
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..5_000).for_each(|_| drop(budget.call())));
        }
    });
    assert_eq!(budget.snapshot().tokens, Some(20.0));
}
