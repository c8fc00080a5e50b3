//! The algorithms alone: within bounds whatever comes, and at a server's capacity in simulation.

use std::collections::BinaryHeap;
use std::time::Duration;

use proptest::prelude::*;
use seawall_core::Random;
use seawall_limit::AdaptiveLimit;
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

/// Whatever can be built, to the ends of what a float holds.
fn extremes() -> impl Strategy<Value = Adaptation> {
    let large = || prop_oneof![Just(f64::MIN_POSITIVE), Just(1.0), Just(1e9), Just(f64::MAX)];
    let part = prop_oneof![Just(f64::MIN_POSITIVE), Just(0.5), Just(1.0 - f64::EPSILON)];
    let slow = prop_oneof![Just(Duration::ZERO), Just(Duration::MAX)];
    let aimd = (large(), part, slow).prop_map(|(increase, decrease, slow)| {
        Adaptation::Aimd(Aimd::default().increase(increase).decrease(decrease).slow(slow))
    });
    let vegas = prop_oneof![Just(1), Just(u32::MAX)]
        .prop_map(|memory| Adaptation::Vegas(Vegas::default().memory(memory)));
    let gradient = (large(), large()).prop_map(|(tolerance, room)| {
        Adaptation::Gradient(Gradient::default().tolerance(tolerance.max(1.0)).room(room))
    });
    prop_oneof![aimd, vegas, gradient]
}

proptest! {
    #[test]
    fn so_it_does_with_parameters_at_the_ends_of_what_can_be_built(
        samples in proptest::collection::vec(samples(), 0..300),
        adaptation in extremes(),
        (min, max) in prop_oneof![Just((1, 1)), Just((1, (1 << 30) - 1)), Just(((1 << 30) - 1, (1 << 30) - 1))],
    ) {
        let builder = AdaptiveLimit::builder().adaptation(adaptation).min(min).max(max);
        prop_assert!(builder.build().is_ok(), "it can be built");
        let mut adaptive = Adaptive::new(adaptation, Range { min, max, initial: max });
        for sample in &samples {
            let limit = adaptive.observe(sample);
            prop_assert!((min..=max).contains(&limit), "{}", limit);
        }
    }
}

#[test]
fn what_is_not_a_number_is_no_limit() {
    for broken in [
        Adaptation::Aimd(Aimd::default().increase(f64::NAN).decrease(f64::NAN)),
        Adaptation::Gradient(Gradient::default().tolerance(f64::NAN).room(f64::NAN)),
    ] {
        let mut adaptive = Adaptive::new(broken, Range { min: 1, max: 100, initial: 50 });
        for dropped in [false, true, false] {
            adaptive.observe(&Sample { rtt: Duration::from_millis(1), in_flight: 50, dropped });
        }
        // A loss has no room to add.
        let expected = if matches!(broken, Adaptation::Aimd(_)) { 50 } else { 45 };
        assert_eq!(adaptive.limit(), expected);
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

/// A server in virtual time: a number of slots, a queue without end, and clients that ask for a multiple of
/// what it can do, as many at once as the limit allows.
struct Server {
    random: Random,
    now: f64,
    slots: u32,
    free_at: Vec<f64>,
    // When they end, when they began and how many were in flight, soonest first.
    running: BinaryHeap<Call>,
    spread: fn(&Random) -> f64,
    // What is asked for, as a part of what it can do.
    load: f64,
    refused: u32,
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
        let running = BinaryHeap::new();
        Self { random, now: 0.0, slots, free_at, running, spread, load: 2.0, refused: 0 }
    }

    /// Lets calls come for `seconds`; gives how many a second were answered within 100 ms.
    fn run(&mut self, adaptive: &mut Adaptive, seconds: f64) -> f64 {
        let end = self.now + seconds;
        let rate = self.load * f64::from(self.slots) / SERVICE;
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
            } else {
                self.refused += 1;
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

/// How many of a hundred calls are refused in a minute of good health, at 70 % load.
fn refused_in_good_health(adaptation: Adaptation, spread: fn(&Random) -> f64) -> f64 {
    let mut adaptive = Adaptive::new(adaptation, Range { min: 1, max: 200, initial: 20 });
    let mut server = Server::new(10, spread);
    server.load = 0.7;
    let answered = server.run(&mut adaptive, 60.0) * 60.0;
    100.0 * f64::from(server.refused) / (answered + f64::from(server.refused))
}

#[test]
fn in_good_health_nobody_starves() {
    for adaptation in ALL {
        let refused = refused_in_good_health(adaptation(), even);
        assert!(refused < 1.0, "{:?}: {refused} %", adaptation());
    }
    let refused = refused_in_good_health(ALL[0](), exponential);
    assert!(refused < 1.0, "the default: {refused} %");
}
