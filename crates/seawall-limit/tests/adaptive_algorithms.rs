//! The algorithms alone: within bounds whatever comes, and at a server's capacity in simulation.

use std::collections::BinaryHeap;
use std::time::Duration;

use proptest::prelude::*;
use seawall_core::Random;
use seawall_limit::adaptive::{Adaptation, Adaptive, Aimd, Gradient, Range, Sample, Vegas};

const ALL: [fn() -> Adaptation; 3] = [
    || Adaptation::Aimd(Aimd::default().slow(Duration::from_millis(50))),
    || Adaptation::Vegas(Vegas::default()),
    || Adaptation::Gradient(Gradient::default()),
];

fn samples() -> impl Strategy<Value = Sample> {
    let nanos = prop_oneof![Just(0), Just(1), Just(u64::MAX), any::<u64>()];
    (nanos, any::<u32>(), any::<bool>()).prop_map(|(nanos, in_flight, dropped)| Sample {
        rtt: if nanos == u64::MAX { Duration::MAX } else { Duration::from_nanos(nanos) },
        in_flight,
        dropped,
    })
}

proptest! {
    #[test]
    fn the_limit_stays_within_its_range_whatever_comes(
        samples in proptest::collection::vec(samples(), 0..300),
        min in 1_u32..50,
        more in 0_u32..1_000_000_000,
    ) {
        for adaptation in ALL {
            let range = Range { min, max: min + more, initial: min + more / 2 };
            let mut adaptive = Adaptive::new(adaptation(), range);
            prop_assert_eq!(adaptive.limit(), range.initial);
            for sample in &samples {
                let limit = adaptive.observe(sample);
                prop_assert!((range.min..=range.max).contains(&limit), "{}", limit);
            }
        }
    }
}

#[test]
fn all_lost_it_falls_to_the_minimum_and_comes_back() {
    for adaptation in ALL {
        let range = Range { min: 2, max: 100, initial: 50 };
        let mut adaptive = Adaptive::new(adaptation(), range);
        let lost = Sample { rtt: Duration::from_millis(100), in_flight: 50, dropped: true };
        for _ in 0..10_000 {
            adaptive.observe(&lost);
        }
        assert_eq!(adaptive.limit(), 2);
        for _ in 0..1_000 {
            let in_flight = adaptive.limit();
            let rtt = Duration::from_millis(10);
            adaptive.observe(&Sample { rtt, in_flight, dropped: false });
        }
        assert!(adaptive.limit() > 10, "{:?} starves at {}", adaptation(), adaptive.limit());
    }
}

#[test]
fn what_is_not_used_says_nothing() {
    for adaptation in ALL {
        let mut adaptive = Adaptive::new(adaptation(), Range { min: 1, max: 100, initial: 50 });
        for _ in 0..10_000 {
            let rtt = Duration::from_millis(10);
            adaptive.observe(&Sample { rtt, in_flight: 10, dropped: false });
        }
        // AIMD lets go of what is more than four times what is in flight.
        let expected = if matches!(adaptation(), Adaptation::Aimd(_)) { 39..=40 } else { 50..=50 };
        assert!(expected.contains(&adaptive.limit()), "{}", adaptive.limit());
    }
}

#[test]
fn calls_that_are_lost_together_are_one_overload() {
    let range = Range { min: 1, max: 1_000, initial: 100 };
    let mut adaptive = Adaptive::new(Adaptation::Aimd(Aimd::default()), range);
    for _ in 0..100 {
        adaptive.observe(&Sample { rtt: Duration::ZERO, in_flight: 100, dropped: true });
    }
    // The first takes three tenths away, and only after seventy more samples the next.
    assert_eq!(adaptive.limit(), 49);
}

/// A server in virtual time: so many slots, a queue without end, and clients who ask for twice what
/// it can do, as many at once as the limit allows.
struct Server {
    random: Random,
    now: f64,
    slots: u32,
    free_at: Vec<f64>,
    // When they end, when they began and how many were in flight, soonest first.
    running: BinaryHeap<Call>,
    spread: fn(&Random) -> f64,
}

#[derive(PartialEq)]
struct Call {
    end: f64,
    began: f64,
    in_flight: u32,
}

impl Eq for Call {}

impl Ord for Call {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.end.total_cmp(&self.end)
    }
}

impl PartialOrd for Call {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

const SERVICE: f64 = 0.01;

impl Server {
    fn new(slots: u32, spread: fn(&Random) -> f64) -> Self {
        let free_at = vec![0.0; 64];
        let random = Random::seeded(7);
        Self { random, now: 0.0, slots, free_at, running: BinaryHeap::new(), spread }
    }

    /// Lets calls come for `seconds`; gives how many a second were answered within 100 ms.
    fn run(&mut self, adaptive: &mut Adaptive, seconds: f64) -> f64 {
        let end = self.now + seconds;
        let rate = 2.0 * f64::from(self.slots) / SERVICE;
        let mut good = 0.0;
        while self.now < end {
            self.now += -(1.0 - self.random.unit()).ln() / rate;
            while self.running.peek().is_some_and(|call| call.end <= self.now) {
                let Some(call) = self.running.pop() else { break };
                let took = call.end - call.began;
                // A caller has 100 ms, and half of it is slow.
                let dropped = took > 0.1;
                good += f64::from(u8::from(!dropped));
                let rtt = Duration::from_secs_f64(took);
                adaptive.observe(&Sample { rtt, in_flight: call.in_flight, dropped });
            }
            if self.running.len() < adaptive.limit() as usize {
                self.start();
            }
        }
        good / seconds
    }

    fn start(&mut self) {
        let slot = (0..self.slots as usize)
            .min_by(|&a, &b| self.free_at[a].total_cmp(&self.free_at[b]))
            .expect("a server has slots");
        let end = self.free_at[slot].max(self.now) + SERVICE * (self.spread)(&self.random);
        self.free_at[slot] = end;
        let in_flight = u32::try_from(self.running.len()).unwrap() + 1;
        self.running.push(Call { end, began: self.now, in_flight });
    }
}

fn even(random: &Random) -> f64 {
    0.95 + 0.1 * random.unit()
}

fn exponential(random: &Random) -> f64 {
    -(1.0 - random.unit()).ln()
}

fn finds_capacity(adaptation: Adaptation, spread: fn(&Random) -> f64) {
    let range = Range { min: 1, max: 200, initial: 20 };
    let mut adaptive = Adaptive::new(adaptation, range);
    let mut server = Server::new(10, spread);
    let mut steps = Vec::new();
    for slots in [10, 4, 10, 30] {
        server.slots = slots;
        // A second to settle.
        server.run(&mut adaptive, 1.0);
        let share = server.run(&mut adaptive, 5.0) / (f64::from(slots) / SERVICE);
        steps.push((slots, (share * 100.0).round(), adaptive.limit()));
    }
    let within = steps.iter().all(|(_, percent, _)| (90.0..=102.0).contains(percent));
    assert!(within, "{adaptation:?}: (slots, per cent of capacity, limit) {steps:?}");
}

#[test]
fn every_algorithm_finds_a_servers_capacity_and_follows_it_down_and_up() {
    for adaptation in ALL {
        finds_capacity(adaptation(), even);
    }
}

#[test]
fn the_default_does_so_too_where_calls_differ_much_in_size() {
    finds_capacity(ALL[0](), exponential);
}
