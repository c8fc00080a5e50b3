//! A hedge after the 99th percentile is one call in a hundred. As latencies aged, what was rounded
//! away was the tail, in which each sample is counted for itself: of a long tail two in a hundred
//! were hedged.

use std::time::Duration;

use seawall_retry::Hedge;

#[tokio::test(start_paused = true)]
async fn as_many_are_hedged_as_was_said() {
    for (percentile, most) in [(0.9, 1_050.0), (0.95, 525.0), (0.99, 105.0)] {
        let hedge = Hedge::builder().delay_percentile(percentile).max_attempts(1);
        let hedge = hedge.build().unwrap();
        let mut hedged = 0;
        for n in 0..13_000 {
            // Evenly spread over 0 to 1, in an order of no matter; and a Pareto distribution of it.
            let share = (f64::from(n) * 0.618_033_988_749_895).fract();
            let latency = Duration::from_secs_f64((1.0 - share).powf(-1.0 / 1.5) / 20.0);
            if n >= 3_000 && hedge.percentile().is_some_and(|delay| delay < latency) {
                hedged += 1;
            }
            let slow = async || {
                tokio::time::sleep(latency).await;
                Ok::<_, &str>(())
            };
            hedge.call(slow).await.unwrap();
        }
        let share = f64::from(hedged);
        assert!(share <= most, "{hedged} of 10,000 after percentile {percentile}");
        assert!(share >= most * 0.8, "{hedged} of 10,000 after percentile {percentile}");
    }
}
