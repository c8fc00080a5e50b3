//! Settings that are replaced while calls are under way.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use seawall_core::StopReason;
use seawall_retry::{Budget, Hedge, Retry, RetryBuilder};

const SECOND: Duration = Duration::from_secs(1);

fn attempts(attempts: u32) -> RetryBuilder {
    Retry::builder().idempotent().max_attempts(attempts).backoff(SECOND)
}

/// How many attempts a call of `retry` makes.
async fn made(retry: &Retry) -> u32 {
    let made = AtomicU32::new(0);
    let call = retry.call(|| async {
        made.fetch_add(1, Ordering::Relaxed);
        Err::<(), _>("down")
    });
    let _ = call.await;
    made.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn all_handles_of_a_retry_have_the_new_settings() {
    let retry = attempts(3).build().unwrap();
    let other = retry.clone();
    assert_eq!(made(&other).await, 3);
    retry.reconfigure(attempts(2)).unwrap();
    assert_eq!(made(&other).await, 2);
    assert!(other.to_string().starts_with("at most 2 attempts"), "{other}");
    let started = tokio::time::Instant::now();
    retry.reconfigure(attempts(2).backoff(10 * SECOND)).unwrap();
    made(&other).await;
    assert_eq!(started.elapsed(), 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_failed_once_goes_on_by_the_old_rules() {
    let retry = attempts(4).build().unwrap();
    let call = tokio::spawn({
        let retry = retry.clone();
        async move { made(&retry).await }
    });
    // It waits for its second attempt.
    tokio::time::sleep(SECOND / 2).await;
    retry.reconfigure(attempts(1)).unwrap();
    assert_eq!(call.await.unwrap(), 4);
    assert_eq!(made(&retry).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_can_come_and_go() {
    let retry = attempts(10).build().unwrap();
    retry.reconfigure(attempts(10).deadline(3 * SECOND)).unwrap();
    let error = retry.call(|| async { Err::<(), _>("down") }).await.unwrap_err();
    let gave_up = error.gave_up().unwrap();
    assert_eq!((gave_up.why, gave_up.attempts), (StopReason::Deadline, 3));
    retry.reconfigure(attempts(10)).unwrap();
    assert_eq!(made(&retry).await, 10);
}

#[test]
fn what_is_wrong_changes_nothing() {
    let retry = attempts(3).history(2).build().unwrap();
    let before = retry.to_string();
    let error = retry.reconfigure(attempts(0)).unwrap_err();
    assert_eq!(error.to_string(), "retry 'retry': max_attempts is 0, but must be at least 1");
    let wrong = attempts(5).own_budget(Budget::builder().cost(0.0));
    assert_eq!(retry.reconfigure(wrong).unwrap_err().field, "cost");
    let error = retry.reconfigure(attempts(5).without_budget()).unwrap_err();
    assert_eq!(error.field, "without_budget");
    let shared = Budget::builder().build().unwrap();
    assert_eq!(retry.reconfigure(attempts(5).budget(&shared)).unwrap_err().field, "budget");
    assert_eq!(retry.to_string(), before);
    let sharing = attempts(3).budget(&shared).build().unwrap();
    sharing.reconfigure(attempts(4).budget(&shared)).unwrap();
    assert_eq!(sharing.reconfigure(attempts(4)).unwrap_err().field, "budget");
}

#[tokio::test(start_paused = true)]
async fn a_budget_keeps_its_tokens_as_far_as_they_fit() {
    let budget = Budget::builder().reserve(10.0).refill_per_second(0.0).build().unwrap();
    for _ in 0..4 {
        budget.try_acquire().unwrap().start();
    }
    let builder = || Budget::builder().refill_per_second(0.0);
    budget.reconfigure(builder().reserve(20.0)).unwrap();
    assert_eq!((budget.snapshot().tokens, budget.snapshot().capacity), (Some(6.0), Some(20.0)));
    budget.reconfigure(builder().reserve(5.0)).unwrap();
    assert_eq!(budget.snapshot().tokens, Some(5.0));
    let error = budget.reconfigure(builder().in_flight(0.1, 3)).unwrap_err();
    assert_eq!(error.field, "in_flight");
    assert_eq!(budget.reconfigure(builder().deposit(-1.0)).unwrap_err().field, "deposit");
    assert_eq!(budget.snapshot().granted, 4);
}

#[tokio::test(start_paused = true)]
async fn a_retrys_own_budget_takes_new_figures() {
    let own = |reserve| attempts(2).own_budget(Budget::builder().reserve(reserve));
    let retry = own(3.0).build().unwrap();
    made(&retry).await;
    retry.reconfigure(own(8.0)).unwrap();
    let snapshot = retry.budget().unwrap().snapshot();
    assert_eq!((snapshot.capacity, snapshot.granted), (Some(8.0), 1));
    assert!(snapshot.tokens.unwrap() < 4.0, "{snapshot:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hedge_waits_as_long_as_it_is_told_now() {
    let hedge = Hedge::builder().delay(SECOND).build().unwrap();
    let call = || async {
        let slow = hedge.call_with(|attempt| async move {
            let first = attempt.number() == 1;
            tokio::time::sleep(if first { 100 * SECOND } else { SECOND }).await;
            Ok::<_, &str>(attempt.number())
        });
        let started = tokio::time::Instant::now();
        (slow.await.unwrap(), started.elapsed())
    };
    assert_eq!(call().await, (2, 2 * SECOND));
    hedge.reconfigure(Hedge::builder().delay(5 * SECOND)).unwrap();
    assert_eq!(call().await, (2, 6 * SECOND));
    hedge.reconfigure(Hedge::builder().delay(SECOND).max_attempts(1)).unwrap();
    assert_eq!(call().await, (1, 100 * SECOND));
    assert_eq!(hedge.reconfigure(Hedge::builder()).unwrap_err().field, "delay_percentile");
    let error = hedge.reconfigure(Hedge::builder().delay(SECOND).max_attempts(17)).unwrap_err();
    assert_eq!(error.field, "max_attempts");
}

#[tokio::test(start_paused = true)]
async fn a_hedge_keeps_the_latencies_that_it_has_measured() {
    let by = |percentile| Hedge::builder().delay_percentile(percentile).min_samples(10);
    let hedge = by(0.5).build().unwrap();
    for n in 1..=10 {
        let answer = hedge.call(|| async {
            tokio::time::sleep(n * SECOND).await;
            Ok::<_, &str>(())
        });
        answer.await.unwrap();
    }
    let median = hedge.percentile().unwrap();
    hedge.reconfigure(by(0.9)).unwrap();
    assert!(hedge.percentile().unwrap() > median + 2 * SECOND);
    hedge.reconfigure(by(0.9).min_samples(100)).unwrap();
    assert_eq!(hedge.percentile(), None);
}
