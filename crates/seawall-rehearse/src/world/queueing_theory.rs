//! The servers against what queueing theory says of them.

use super::*;
use crate::arrivals::Arrivals;
use crate::time::seconds;

/// Plays `calls` calls, each one request, and lets the servers finish.
fn play(text: &str) -> World {
    let scenario = Scenario::parse(text).expect(text);
    let chance = Chance::new(scenario.seed());
    let mut world = World::new(&scenario, chance);
    let mut arrivals = Arrivals::new(&scenario, chance);
    loop {
        let next = [world.next(), arrivals.next()].into_iter().flatten().min();
        let Some(now) = next else { return world };
        world.happen(now);
        while let Some(id) = world.answered().pop() {
            assert!(world.take(id).is_some_and(Answer::is_done));
        }
        if arrivals.next() == Some(now) && arrivals.take().is_some() {
            world.send();
        }
    }
}

fn scenario(slots: u32, rate: f64, service: &str, calls: f64) -> String {
    format!(
        "for = '{}s'\n[load]\nrate = {rate}\ndeadline = '10s'\n\
         [server]\nslots = {slots}\nqueue = 'endless'\nservice = {service}\n",
        (calls / rate).round(),
    )
}

/// The mean wait in seconds.
#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
fn wait(world: &World) -> f64 {
    world.tally.waited as f64 / world.tally.begun as f64 / 1e9
}

/// The mean wait of M/M/c: `c` slots of mean service time `service`.
fn erlang(c: u32, rate: f64, service: f64) -> f64 {
    let offered = rate * service;
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..c {
        term *= offered / f64::from(n);
        sum += term;
    }
    term *= offered / f64::from(c);
    let slots = f64::from(c);
    let waits = term * slots / (slots - offered);
    waits / (sum + waits) / (slots / service - rate)
}

#[test]
fn waits_are_those_of_theory_within_two_percent() {
    let exponential = "{ kind = 'exponential', mean = '10ms' }";
    for (slots, load) in [(1, 0.5), (4, 0.7), (10, 0.8)] {
        let rate = load * f64::from(slots) * 100.0;
        let world = play(&scenario(slots, rate, exponential, 1.5e6));
        let theory = erlang(slots, rate, 0.01);
        let ratio = wait(&world) / theory;
        assert!((ratio - 1.0).abs() < 0.02, "M/M/{slots} at {load}: {ratio}");
    }
    // M/D/1: half as long as M/M/1.
    let world = play(&scenario(1, 70.0, "'10ms'", 3e5));
    let ratio = wait(&world) / (0.7 * 0.01 / (2.0 * 0.3));
    assert!((ratio - 1.0).abs() < 0.02, "M/D/1: {ratio}");
}

#[test]
fn littles_law_holds_to_the_nanosecond() {
    for service in ["{ kind = 'exponential', mean = '10ms' }", "'9ms'"] {
        let world = play(&scenario(3, 250.0, service, 2e4));
        // Requests in the system, integrated over time, are the times that they were in it.
        assert_eq!(world.tally.inside, world.tally.stayed);
        assert!(world.tally.inside > 0);
        assert_eq!(world.tally.requests, world.tally.done);
        assert!(seconds(world.now()) > 79.0);
    }
}
