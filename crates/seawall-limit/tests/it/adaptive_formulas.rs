//! Each algorithm does what its formula says: by how much, from where on, how often.

use std::time::Duration;

use seawall_limit::adaptive::{Adaptation, Adaptive, Aimd, Gradient, Range, Sample, Vegas};

const MS: Duration = Duration::from_millis(1);

fn of(adaptation: Adaptation, initial: u32) -> Adaptive {
    Adaptive::new(adaptation, Range { min: 2, max: 1_000, initial })
}

fn good(rtt: Duration, in_flight: u32) -> Sample {
    Sample { rtt, in_flight, dropped: false }
}

const LOST: Sample = Sample { rtt: Duration::ZERO, in_flight: 1, dropped: true };

fn observe(adaptive: &mut Adaptive, times: u32, sample: Sample) -> u32 {
    for _ in 0..times {
        adaptive.observe(&sample);
    }
    adaptive.limit()
}

mod aimd {
    use super::*;

    fn at(initial: u32) -> Adaptive {
        of(Adaptation::Aimd(Aimd::default()), initial)
    }

    #[test]
    fn half_of_the_limit_in_flight_adds_one_a_quarter_nothing_and_less_takes_a_hundredth() {
        for (in_flight, after_ten) in [(50, 110), (49, 100), (25, 100), (24, 90), (0, 90)] {
            let mut limit = at(100);
            let mut after = 100;
            for _ in 0..10 {
                // In use, what was half would soon be less.
                let in_flight = if in_flight == 50 { limit.limit().div_ceil(2) } else { in_flight };
                after = observe(&mut limit, 1, good(MS, in_flight));
            }
            // 100 × 0.99¹⁰ = 90.4, and once the limit has fallen 24 are a quarter of it: at 96.
            let expected = if in_flight == 24 { 95 } else { after_ten };
            assert_eq!(after, expected, "{in_flight} in flight");
        }
    }

    #[test]
    fn the_steps_are_those_that_were_set() {
        let aimd = Aimd::default().increase(2.5).decrease(0.5);
        let mut limit = of(Adaptation::Aimd(aimd), 100);
        assert_eq!(observe(&mut limit, 1, good(MS, 100)), 102);
        assert_eq!(observe(&mut limit, 1, good(MS, 100)), 105);
        assert_eq!(observe(&mut limit, 1, LOST), 52);
    }

    #[test]
    fn slow_is_what_took_longer_than_was_set() {
        let slow = || of(Adaptation::Aimd(Aimd::default().slow(MS * 50)), 100);
        assert_eq!(observe(&mut slow(), 1, good(MS * 50, 100)), 101);
        assert_eq!(observe(&mut slow(), 1, good(MS * 50 + Duration::from_nanos(1), 100)), 70);
    }

    #[test]
    fn after_a_loss_it_is_deaf_to_losses_for_as_many_samples_as_the_limit_is() {
        let mut limit = at(100);
        assert_eq!(observe(&mut limit, 1, LOST), 70);
        assert_eq!(observe(&mut limit, 69, LOST), 70);
        assert_eq!(observe(&mut limit, 1, LOST), 49, "70 × 0.7");
        // What is good counts as well, and changes what it always does.
        assert_eq!(observe(&mut limit, 40, good(MS, 20)), 49);
        assert_eq!(observe(&mut limit, 7, LOST), 49);
        assert_eq!(observe(&mut limit, 1, LOST), 49, "the forty-eighth");
        assert_eq!(observe(&mut limit, 1, LOST), 34, "the forty-ninth: 49 × 0.7");
    }
}

mod vegas {
    use super::*;

    /// Has seen calls of 1 ms, and is at the beginning of a round.
    fn at(initial: u32) -> Adaptive {
        let mut limit = of(Adaptation::Vegas(Vegas::default()), initial);
        assert_eq!(observe(&mut limit, initial, good(MS, 1)), initial, "not in use");
        limit
    }

    /// How long calls take of which `queue` of a hundred are queued.
    fn with_a_queue_of(queue: f64) -> Duration {
        MS.div_f64(1.0 - queue / 100.0)
    }

    #[test]
    fn the_queue_decides_how_far_it_goes() {
        // With a unit of log₁₀ 100 = 2.
        let steps = [
            (0.0, 112),
            (1.9, 112),
            (2.1, 102),
            (5.9, 102),
            (6.1, 100),
            (11.9, 100),
            (12.1, 98),
            (90.0, 98),
        ];
        for (queue, after) in steps {
            let mut limit = at(100);
            assert_eq!(observe(&mut limit, 99, good(with_a_queue_of(queue), 50)), 100);
            let rtt = with_a_queue_of(queue);
            assert_eq!(observe(&mut limit, 1, good(rtt, 50)), after, "a queue of {queue}");
        }
    }

    #[test]
    fn a_queue_of_exactly_six_units_is_not_too_long() {
        let mut limit = of(Adaptation::Vegas(Vegas::default()), 100);
        observe(&mut limit, 100, good(Duration::from_micros(880), 1));
        assert_eq!(observe(&mut limit, 100, good(MS, 50)), 100);
    }

    /// In the middle of a limit of `initial` calls that take twice as long as the shortest.
    fn half_of_the_limit_queued(initial: u32) -> u32 {
        let mut limit = of(Adaptation::Vegas(Vegas::default()), initial);
        observe(&mut limit, initial, good(MS, 0));
        observe(&mut limit, initial, good(MS * 2, initial))
    }

    #[test]
    fn a_queue_of_exactly_one_or_three_units_is_the_shorter_and_the_longer_kind() {
        assert_eq!(half_of_the_limit_queued(2), 8, "of one unit: six more");
        assert_eq!(half_of_the_limit_queued(6), 6, "of three: none");
    }

    #[test]
    fn with_a_memory_of_one_the_lowest_is_that_of_the_last_two() {
        let mut limit = of(Adaptation::Vegas(Vegas::default().memory(1)), 2);
        observe(&mut limit, 1, good(MS, 0));
        observe(&mut limit, 1, good(MS * 4, 0));
        assert_eq!(observe(&mut limit, 2, good(MS * 4, 2)), 8);
    }

    #[test]
    fn it_decides_from_the_mean_of_a_round() {
        let mut limit = at(100);
        // 50 of 1 ms and 50 of 1.2 ms: a queue of 9.1, neither one's.
        observe(&mut limit, 50, good(MS, 50));
        assert_eq!(observe(&mut limit, 50, good(MS.mul_f64(1.2), 50)), 100);
        // The next begins again.
        assert_eq!(observe(&mut limit, 100, good(MS, 50)), 112);
    }

    #[test]
    fn a_round_in_which_half_was_never_in_flight_decides_nothing() {
        let mut limit = at(100);
        assert_eq!(observe(&mut limit, 100, good(MS, 49)), 100);
        observe(&mut limit, 1, good(MS, 50));
        assert_eq!(observe(&mut limit, 99, good(MS, 49)), 112, "once is enough");
    }

    #[test]
    fn a_loss_takes_a_unit_once_a_round_and_the_round_raises_nothing() {
        let mut limit = at(100);
        assert_eq!(observe(&mut limit, 1, LOST), 98);
        assert_eq!(observe(&mut limit, 50, LOST), 98);
        assert_eq!(observe(&mut limit, 47, good(MS, 98)), 98, "the round's last");
        assert_eq!(observe(&mut limit, 1, LOST), 96, "98 − log₁₀ 98");
        // The last of a round may be a loss itself.
        assert_eq!(observe(&mut limit, 96, LOST), 96);
        assert_eq!(observe(&mut limit, 1, LOST), 94);
    }

    #[test]
    fn its_unit_is_at_least_one() {
        let mut limit = at(5);
        assert_eq!(observe(&mut limit, 1, LOST), 4);
    }

    #[test]
    fn it_forgets_the_lowest_after_as_many_samples_as_were_set() {
        let mut limit = of(Adaptation::Vegas(Vegas::default().memory(40)), 100);
        observe(&mut limit, 1, good(MS, 1));
        // 39 more of its half, then 40 of the next: the lowest is remembered until both are over.
        assert_eq!(observe(&mut limit, 79, good(MS * 2, 1)), 100);
        assert_eq!(observe(&mut limit, 20, good(MS * 2, 50)), 112, "forgotten");
        let mut limit = of(Adaptation::Vegas(Vegas::default().memory(50)), 100);
        observe(&mut limit, 1, good(MS, 1));
        assert_eq!(observe(&mut limit, 99, good(MS * 2, 50)), 98, "still known");
    }

    #[test]
    fn no_call_takes_no_time_at_all() {
        let mut limit = of(Adaptation::Vegas(Vegas::default()), 100);
        assert_eq!(observe(&mut limit, 100, good(Duration::ZERO, 50)), 112);
    }
}

mod gradient {
    use super::*;

    fn new() -> Gradient {
        Gradient::default()
    }

    /// Knows 10 ms for the usual.
    fn used_to_10_ms(gradient: Gradient) -> Adaptive {
        let mut limit = of(Adaptation::Gradient(gradient), 100);
        assert_eq!(observe(&mut limit, 600, good(MS * 10, 49)), 100, "not in use");
        limit
    }

    /// So large that the limit shows small differences.
    fn finely() -> Adaptive {
        let range = Range { min: 1, max: 1_000_000_000, initial: 1_000_000 };
        Adaptive::new(Adaptation::Gradient(new()), range)
    }

    #[test]
    fn it_follows_the_usual_to_the_latest_and_leaves_room() {
        // limit × 0.8 + (limit × clamp(1.5 × usual / latest, ½, 1) + 4) × 0.2
        for (latest, after) in [(1, 100), (10, 100), (15, 100), (20, 95), (25, 92), (100, 90)] {
            let mut limit = used_to_10_ms(new());
            assert_eq!(observe(&mut limit, 1, good(MS * latest, 50)), after, "{latest} ms");
        }
        let mut limit = used_to_10_ms(new());
        assert_eq!(observe(&mut limit, 5, good(MS * 10, 100)), 104, "0.8 more each time");
    }

    #[test]
    fn tolerance_and_room_are_those_that_were_set() {
        let mut limit = used_to_10_ms(new().room(10.0));
        assert_eq!(observe(&mut limit, 1, good(MS * 10, 50)), 102);
        let mut limit = used_to_10_ms(new().tolerance(2.0).room(0.0));
        assert_eq!(observe(&mut limit, 1, good(MS * 20, 50)), 100);
        assert_eq!(observe(&mut limit, 1, good(MS * 25, 50)), 96, "100 × (0.8 + 0.2 × 0.8)");
    }

    #[test]
    fn a_loss_is_a_gradient_of_half_without_room_and_teaches_nothing() {
        let mut limit = used_to_10_ms(new());
        assert_eq!(observe(&mut limit, 1, LOST), 90);
        assert_eq!(observe(&mut limit, 1, LOST), 81);
        assert_eq!(observe(&mut limit, 100, LOST), 2);
        let mut limit = of(Adaptation::Gradient(new()), 100);
        let lost = Sample { rtt: MS * 1_000, ..LOST };
        assert_eq!(observe(&mut limit, 1, lost), 90);
        observe(&mut limit, 1, good(MS * 10, 1));
        // The usual is 20 ms, the mean of two; with the loss in it it would be 343.
        assert_eq!(observe(&mut limit, 1, good(MS * 30, 90)), 90, "90 × 1 + 0.8");
        assert_eq!(observe(&mut limit, 1, good(MS * 60, 90)), 88, "1.5 × 33.3 / 60 = 0.83");
    }

    #[test]
    fn the_usual_is_the_mean_of_what_there_is_until_there_is_a_window_of_it() {
        let mut limit = of(Adaptation::Gradient(new()), 100);
        observe(&mut limit, 1, good(MS * 10, 1));
        observe(&mut limit, 1, good(MS * 30, 1));
        // 28.3 usual: 80 + (94.4 + 4) × 0.2
        assert_eq!(observe(&mut limit, 1, good(MS * 45, 50)), 99);
        // From then on a 300th of the difference: 600 samples more, and it is still 2 ms off.
        let mut limit = used_to_10_ms(new());
        observe(&mut limit, 600, good(MS * 20, 1));
        assert_eq!(observe(&mut limit, 1, good(MS * 27, 50)), 100, "18.7 × 1.5 > 27");
        assert_eq!(observe(&mut limit, 1, good(MS * 40, 60)), 95, "18.8 × 1.5 / 40 = 0.7");
    }

    #[test]
    fn a_usual_of_more_than_twice_the_latest_is_let_go_of() {
        let mut limit = of(Adaptation::Gradient(new()), 100);
        observe(&mut limit, 600, good(MS * 100, 1));
        observe(&mut limit, 60, good(MS * 10, 1));
        // 20 ms or less are usual now; by averaging alone it would be 84.
        assert!(observe(&mut limit, 1, good(MS * 60, 50)) < 91);
        // Exactly twice is not more: (500 × 2 + 970) / 3 × 1.5 = 985.
        let mut limit = finely();
        observe(&mut limit, 1, good(MS * 750, 1));
        observe(&mut limit, 1, good(MS * 250, 1));
        assert_eq!(observe(&mut limit, 1, good(MS * 970, 500_000)), 1_000_000);
    }

    #[test]
    fn the_average_is_that_of_600_samples() {
        let mut limit = finely();
        observe(&mut limit, 600, good(MS * 10, 1));
        // 10 ms + 10 ms × 2 / 601 are usual then, 0.7525 of the latest with the tolerance.
        assert_eq!(observe(&mut limit, 1, good(MS * 20, 500_000)), 950_499);
    }
}

#[test]
fn limits_stop_at_the_ends_of_their_range() {
    let range = Range { min: 3, max: 21, initial: 20 };
    for adaptation in [
        Adaptation::Aimd(Aimd::default()),
        Adaptation::Vegas(Vegas::default()),
        Adaptation::Gradient(Gradient::default()),
    ] {
        let mut limit = Adaptive::new(adaptation, range);
        assert_eq!(limit.limit(), 20);
        assert_eq!(observe(&mut limit, 500, good(MS, 200)), 21);
        assert_eq!(observe(&mut limit, 500, LOST), 3);
        assert_eq!(observe(&mut limit, 1_000, good(MS, 200)), 21, "and it comes back");
    }
}
