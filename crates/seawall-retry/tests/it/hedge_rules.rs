//! What a hedge promises, where one example is not enough to believe it.

use std::time::Duration;

use seawall_core::{Error, StopReason};
use seawall_retry::{Hedge, HedgeBuilder};
use seawall_testkit::{Script, Step};
use tokio::time::Instant;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn slow(millis: u64, outcome: Result<u32, &'static str>) -> Step<u32, &'static str> {
    Step::after(ms(millis), outcome)
}

fn hedge() -> HedgeBuilder {
    Hedge::builder().delay(ms(100)).without_budget()
}

#[tokio::test(start_paused = true)]
async fn failures_launch_no_more_at_once_than_may_be_in_flight() {
    for limit in 1..=4 {
        let hedge = hedge().max_attempts(9).max_in_flight(limit).build().unwrap();
        let script = Script::new([slow(250, Err("down"))]);
        let mut most = 0;
        let call = hedge.call(|| script.run());
        let mut call = std::pin::pin!(call);
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = &mut call => break outcome,
                () = tokio::time::sleep(ms(10)) => most = most.max(script.running()),
            }
        };
        assert_eq!(outcome.unwrap_err().gave_up().map_or(9, |it| it.attempts), 9);
        assert_eq!((script.started(), script.finished()), (9, 9));
        // Two at a delay of 100 ms and 250 ms each: three would overlap, were they allowed to.
        let overlap = usize::try_from(limit).unwrap().min(3);
        assert_eq!(most, overlap, "at most {limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_result_and_the_timer_at_the_same_instant_launch_nothing_either() {
    let hedge = hedge().max_attempts(3).max_in_flight(3).build().unwrap();
    let script = Script::new([Step::never(), slow(100, Ok(2)), Step::ok(3)]);
    assert_eq!(hedge.call(|| script.run()).await.unwrap(), 2);
    assert_eq!(script.started(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_last_one_standing_wins_whichever_it_is() {
    // Which of three succeeds, and how long each takes.
    for winner in 0..3 {
        for millis in [[400, 10, 10], [150, 300, 10], [250, 250, 250]] {
            let hedge = hedge().max_attempts(3).max_in_flight(3).build().unwrap();
            let steps =
                (0..3).map(|n| slow(millis[n], if n == winner { Ok(7) } else { Err("down") }));
            let script = Script::new(steps);
            assert_eq!(hedge.call(|| script.run()).await.unwrap(), 7);
            assert_eq!(script.running(), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_failed_is_the_primarys_error_in_whatever_order_they_fail() {
    for millis in [[10, 20, 30], [500, 10, 10], [150, 400, 10], [250, 250, 250]] {
        let hedge = hedge().max_attempts(3).max_in_flight(3).build().unwrap();
        let names = ["primary", "second", "third"];
        let script = Script::<u32, _>::new((0..3).map(|n| slow(millis[n], Err(names[n]))));
        let error = hedge.call(|| script.run()).await.unwrap_err();
        assert_eq!(error.operation(), Some(&"primary"), "{millis:?}");
        let gave_up = error.gave_up().unwrap();
        assert_eq!((gave_up.why, gave_up.attempts), (StopReason::Attempts, 3));
        let mut others: Vec<_> = gave_up.history.iter().filter_map(Error::operation).collect();
        others.sort();
        assert_eq!(others, [&"second", &"third"], "{millis:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn before_there_are_enough_samples_of_a_percentile_nothing_is_launched() {
    let hedge = Hedge::builder().delay_percentile(0.5).min_samples(40).without_budget();
    let hedge = hedge.build().unwrap();
    for sample in 1..=40 {
        assert_eq!(hedge.percentile(), None, "after {} samples", sample - 1);
        let script = Script::new([slow(100, Ok(1)), Step::ok(2)]);
        hedge.call(|| script.run()).await.unwrap();
        assert_eq!(script.started(), 1);
    }
    let percentile = hedge.percentile().unwrap();
    assert!(ms(100) <= percentile && percentile < ms(107), "{percentile:?}");
    let (script, start) = (Script::new([slow(60_000, Ok(1)), Step::ok(2)]), Instant::now());
    assert_eq!(hedge.call(|| script.run()).await.unwrap(), 2);
    assert_eq!((script.started(), script.running()), (2, 0));
    // The timer's steps are a millisecond.
    assert!(start.elapsed() <= percentile + ms(1));
}

#[tokio::test(start_paused = true)]
async fn a_percentile_follows_when_the_dependency_becomes_slower_or_faster() {
    let hedge = Hedge::builder().delay_percentile(0.9).without_budget().max_attempts(1);
    let hedge = hedge.build().unwrap();
    for millis in [10, 300, 20] {
        for _ in 0..6_000 {
            let script = Script::new([slow(millis, Ok(1))]);
            hedge.call(|| script.run()).await.unwrap();
        }
        let percentile = hedge.percentile().unwrap();
        let widest = ms(millis) + ms(millis) / 15;
        assert!(ms(millis) <= percentile && percentile <= widest, "{millis} ms: {percentile:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_one_attempt_drops_the_others() {
    let hedge = hedge().max_attempts(3).max_in_flight(3).build().unwrap();
    let script = Script::<u32, &str>::new([Step::never(), Step::never(), Step::panic("boom")]);
    let running = script.clone();
    let call = tokio::spawn(async move { hedge.call(|| script.run()).await });
    assert!(call.await.unwrap_err().is_panic());
    assert_eq!((running.started(), running.running()), (3, 0));
}
