//! What waits goes by the monotonic clock: the system's may be set back a day, or forward.

use std::time::Duration;

use seawall_capture::digest::{Callback, Digest};
use seawall_capture::store::{Mute, Seen};
use seawall_capture::{Alarms, Capture, Clock, Draft, MemoryStore, Timestamp};

use crate::digest_bench::{Bench, MINUTE, SECOND};

const DAY: Duration = Duration::from_hours(24);

fn set_back(clock: &Clock) {
    clock.set(clock.now().before(DAY));
}

fn set_forward(clock: &Clock) {
    clock.set(clock.now().after(DAY));
}

#[tokio::test(start_paused = true)]
async fn digests_and_their_retries_come_all_the_same() {
    for set in [set_back, set_forward] {
        let bench = Bench::new();
        bench.fail("A");
        set(&bench.clock);
        assert!(bench.step().await.is_empty(), "not before it is quiet");
        bench.clock.advance(SECOND * 30);
        let refuses = Callback::new(|_: &Digest| Err("no".into()));
        assert_eq!(bench.digester.step(&refuses).await.1.len(), 1);
        set(&bench.clock);
        assert!(bench.step().await.is_empty(), "not before the backoff is over");
        bench.clock.advance(SECOND * 30);
        assert_eq!(bench.step().await.len(), 1);
        // Reminders, too.
        bench.fail("A");
        set(&bench.clock);
        bench.clock.advance(SECOND * 60);
        assert_eq!(bench.step().await.len(), 1);
    }
}

#[test]
fn rules_hold_and_end_all_the_same() {
    let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
    let alarms = Alarms::builder()
        .clock(clock.clone())
        .rate("rate", 3, MINUTE)
        .no_data("dead", MINUTE * 5)
        .cool_down(Duration::ZERO)
        .build()
        .unwrap();
    let capture = Capture::builder().clock(clock.clone()).observer(alarms.clone()).build().unwrap();
    let fail = || capture.record(Draft::new("E", "it broke"));
    let said = || alarms.check().into_iter().map(|n| n.to_string()).collect::<Vec<_>>();
    (0..3).for_each(|_| _ = fail());
    assert_eq!(said(), ["raised: rate: 3 failures in 60s, limit 3"]);
    set_back(&clock);
    clock.advance(MINUTE);
    assert_eq!(said(), ["resolved: rate: 0 failures in 60s, limit 3"]);
    clock.advance(MINUTE * 4);
    assert_eq!(said(), ["raised: dead: nothing seen for 300s, limit 300s"]);
    fail();
    assert_eq!(said(), ["resolved: dead: nothing seen for 0ns, limit 300s"]);
    set_forward(&clock);
    assert!(said().is_empty(), "no time has passed");
}

#[test]
fn notices_say_what_the_clock_shows() {
    let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
    let alarms = Alarms::builder().clock(clock.clone()).no_data("dead", MINUTE).build().unwrap();
    clock.advance(MINUTE);
    set_back(&clock);
    assert_eq!(alarms.check()[0].at, clock.now());
}

#[test]
fn leases_mutes_and_spikes_go_on() {
    let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
    let store = MemoryStore::builder().clock(clock.clone()).build().unwrap();
    let record = Capture::builder().build().unwrap().prepare(Draft::new("A", "it broke"));
    let name = record.grouping.fingerprint;
    store.record(&record);
    let lost = store.take(1).unwrap();
    set_back(&clock);
    clock.advance(MINUTE * 5);
    assert_eq!(store.take(1).unwrap().count(), 1, "its lease is over");
    assert!(!store.acknowledge(lost.id));

    assert!(store.mute(name, Some(Mute::until(2, MINUTE))));
    assert_eq!(store.record(&record), Seen::Muted);
    set_back(&clock);
    clock.advance(MINUTE);
    assert_eq!(store.record(&record), Seen::Muted, "the period began anew");
    assert_eq!(store.record(&record), Seen::Unmuted);

    for _ in 0..15 {
        clock.advance(MINUTE);
        store.record(&record);
    }
    set_back(&clock);
    clock.advance(MINUTE);
    let seen: Vec<_> = (0..30).map(|_| store.record(&record)).collect();
    assert!(seen.contains(&Seen::Spiking), "{seen:?}");
}
