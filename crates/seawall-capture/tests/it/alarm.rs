//! When somebody has to look.

use std::time::Duration;

use seawall_capture::alarm::{AlarmsBuilder, NoticeState, SpikeConfig};
use seawall_capture::store::Mute;
use seawall_capture::{Alarms, Capture, Clock, Draft, MemoryStore, Timestamp};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

struct Bench {
    clock: Clock,
    alarms: Alarms,
    capture: Capture,
    store: MemoryStore,
}

fn bench(rules: impl FnOnce(AlarmsBuilder) -> AlarmsBuilder) -> Bench {
    let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
    let alarms = rules(Alarms::builder().clock(clock.clone())).build().unwrap();
    let store = MemoryStore::builder().clock(clock.clone()).build().unwrap();
    let builder = Capture::builder().clock(clock.clone()).store(store.clone());
    let capture = builder.observer(alarms.clone()).build().unwrap();
    Bench { clock, alarms, capture, store }
}

impl Bench {
    fn fail(&self, times: u32) {
        for _ in 0..times {
            self.capture.record(Draft::new("E", "it broke"));
        }
    }

    fn notices(&self) -> Vec<String> {
        self.alarms.check().iter().map(ToString::to_string).collect()
    }

    fn states(&self) -> Vec<NoticeState> {
        self.alarms.check().iter().map(|notice| notice.state).collect()
    }
}

#[test]
fn a_rate_is_raised_once_and_resolved_once() {
    let bench = bench(|rules| rules.rate("pager", 10, MINUTE));
    bench.fail(9);
    assert!(bench.notices().is_empty());
    bench.fail(1);
    assert_eq!(bench.notices(), ["raised: pager: 10 failures in 60s, limit 10"]);
    bench.fail(100);
    assert!(bench.notices().is_empty());
    bench.clock.advance(MINUTE);
    assert_eq!(bench.notices(), ["resolved: pager: 0 failures in 60s, limit 10"]);
    assert!(bench.notices().is_empty());
}

#[test]
fn a_pager_rings_for_a_rate_over_the_last_flushes() {
    let bench = bench(|rules| rules.pager("pager", 100, MINUTE * 5, 3));
    let flush = |failures: u64| {
        bench.clock.advance(MINUTE * 5);
        bench.alarms.flushed(failures);
        bench.notices()
    };
    // What is captured and not flushed is nobody's business yet.
    bench.fail(1_000);
    assert!(bench.notices().is_empty());
    assert!(flush(99).is_empty());
    assert_eq!(
        flush(150),
        ["raised: pager: 124.5 failures in 300s over the last 2 flushes, limit 100"]
    );
    assert!(flush(150).is_empty(), "still");
    assert!(flush(0).is_empty(), "300 in 15 minutes");
    assert_eq!(
        flush(100),
        ["resolved: pager: 83.3 failures in 300s over the last 3 flushes, limit 100"]
    );
}

#[test]
fn a_pager_does_not_ring_for_what_is_long_over() {
    let bench = bench(|rules| rules.pager("pager", 100, MINUTE * 5, 5));
    bench.clock.advance(MINUTE);
    bench.alarms.flushed(3);
    assert!(bench.notices().is_empty(), "three in the first minute");
    // A flush now and then over a night is no reason.
    for _ in 0..20 {
        bench.clock.advance(MINUTE * 60);
        bench.alarms.flushed(90);
        assert!(bench.notices().is_empty());
    }
    bench.clock.advance(MINUTE * 5);
    bench.alarms.flushed(100_000);
    assert_eq!(bench.states(), [NoticeState::Raised]);
    // And when no more are flushed, it is over by itself.
    bench.clock.advance(MINUTE * 60 * 24 * 7);
    assert_eq!(bench.states(), [NoticeState::Resolved]);
}

#[test]
fn what_flutters_is_not_raised_again_before_its_cool_down_is_over() {
    let bench = bench(|rules| rules.rate("pager", 1, MINUTE).cool_down(MINUTE * 10));
    bench.fail(1);
    assert_eq!(bench.states(), [NoticeState::Raised]);
    bench.clock.advance(MINUTE);
    assert_eq!(bench.states(), [NoticeState::Resolved]);
    for _ in 0..9 {
        bench.clock.advance(MINUTE);
        bench.fail(1);
        assert!(bench.states().is_empty());
    }
    bench.clock.advance(MINUTE);
    bench.fail(1);
    assert_eq!(bench.states(), [NoticeState::Raised]);
}

#[test]
fn a_ratio_needs_enough_calls() {
    let bench = bench(|rules| rules.ratio("ratio", 0.1, 100, MINUTE * 5));
    bench.fail(50);
    bench.alarms.calls(99);
    assert!(bench.notices().is_empty());
    bench.alarms.calls(1);
    let text = "raised: ratio: 50 of 100 calls failed in 300s, 50.0%, limit 10.0%";
    assert_eq!(bench.notices(), [text]);
    bench.alarms.calls(1_000);
    assert_eq!(bench.states(), [NoticeState::Resolved]);
}

#[test]
fn a_spike_is_raised_against_the_history_and_resolved_when_it_is_calm() {
    let bench = bench(|rules| rules.spike("spike", SpikeConfig::default()));
    for _ in 0..20 {
        bench.fail(5);
        bench.clock.advance(MINUTE);
        assert!(bench.states().is_empty());
    }
    bench.fail(50);
    assert_eq!(bench.states(), [NoticeState::Raised]);
    bench.clock.advance(MINUTE * 2);
    assert!(bench.states().is_empty());
    bench.clock.advance(MINUTE * 3);
    assert_eq!(bench.states(), [NoticeState::Resolved]);
}

#[test]
fn a_new_fingerprint_is_told_of_once_after_the_learning_and_over_a_restart() {
    let known = {
        let bench = bench(|rules| rules.new_fingerprints("new", MINUTE));
        bench.fail(1);
        assert!(bench.notices().is_empty(), "learning");
        bench.clock.advance(MINUTE);
        bench.fail(5);
        assert!(bench.notices().is_empty());
        bench.capture.record(Draft::new("Other", "user 7 is gone"));
        bench.capture.record(Draft::new("Other", "user 8 is gone"));
        let notices = bench.notices();
        assert_eq!(notices.len(), 1);
        assert!(notices[0].ends_with("Other: user <num> is gone"), "{notices:?}");
        bench.alarms.known()
    };
    assert_eq!(known.len(), 2);
    let bench = bench(|rules| rules.new_fingerprints("new", Duration::ZERO).known(known));
    bench.fail(1);
    assert!(bench.notices().is_empty());
    bench.capture.record(Draft::new("Third", "x"));
    assert_eq!(bench.notices().len(), 1);
}

#[test]
fn a_flood_of_new_fingerprints_has_a_bound_and_is_counted() {
    let bench = bench(|rules| rules.new_fingerprints("new", Duration::ZERO));
    for n in 0..250 {
        bench.capture.record(Draft::new("E", "x").fingerprint(n.to_string()));
    }
    let notices = bench.notices();
    assert_eq!(notices.len(), 101);
    assert_eq!(notices[100], "raised: new: +150 more new fingerprints");
}

#[test]
fn silence_is_an_alarm_where_there_should_be_none() {
    let bench = bench(|rules| rules.no_data("dead man", MINUTE));
    bench.clock.advance(SECOND * 59);
    assert!(bench.notices().is_empty());
    bench.clock.advance(SECOND);
    assert_eq!(bench.notices(), ["raised: dead man: nothing seen for 60s, limit 60s"]);
    bench.alarms.calls(1);
    assert_eq!(bench.states(), [NoticeState::Resolved]);
}

#[test]
fn canaries_are_counted_apart_and_missed_when_they_stop() {
    let bench = bench(|rules| rules.canary("way", "canary", MINUTE).rate("pager", 1, MINUTE));
    for _ in 0..5 {
        bench.capture.record(Draft::new("Canary", "tweet").tag("canary", "1"));
        bench.clock.advance(SECOND * 30);
        assert!(bench.notices().is_empty());
    }
    bench.clock.advance(SECOND * 30);
    let notices = bench.notices();
    assert_eq!(notices, ["raised: way: canary 'canary' last seen 60s ago, limit 60s, 5 in all"]);
    bench.capture.record(Draft::new("Canary", "tweet").tag("canary", "1"));
    assert_eq!(bench.states(), [NoticeState::Resolved]);
}

#[test]
fn what_is_muted_alarms_nobody() {
    let bench = bench(|rules| rules.rate("pager", 2, MINUTE));
    bench.fail(1);
    let fingerprint = bench.capture.prepare(Draft::new("E", "it broke")).grouping.fingerprint;
    assert!(bench.store.mute(fingerprint, Some(Mute::FOREVER)));
    bench.fail(10);
    assert!(bench.notices().is_empty());
}

#[test]
fn a_clock_that_is_set_back_or_leaps_breaks_nothing() {
    let bench = bench(|rules| {
        let rules = rules.rate("r", 5, MINUTE).no_data("n", MINUTE).canary("c", "c", MINUTE);
        rules.ratio("q", 0.5, 1, MINUTE).spike("s", SpikeConfig::default())
    });
    bench.fail(3);
    bench.clock.set(Timestamp::MIN);
    bench.fail(3);
    bench.alarms.calls(1);
    bench.notices();
    bench.clock.set(Timestamp::MAX);
    bench.fail(3);
    bench.notices();
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let refused = |rules: AlarmsBuilder| rules.build().unwrap_err().field;
    let rules = Alarms::builder;
    assert_eq!(refused(rules().rate("", 1, MINUTE)), "name");
    assert_eq!(refused(rules().rate("x".repeat(1 << 20), 1, MINUTE)), "name");
    assert_eq!(refused(rules().pager("x", 0, MINUTE, 1)), "pager");
    assert_eq!(refused(rules().pager("x", 1, Duration::ZERO, 1)), "pager");
    assert_eq!(refused(rules().pager("x", 1, MINUTE, 0)), "pager");
    assert_eq!(refused(rules().rate("x", 0, MINUTE)), "rate");
    assert_eq!(refused(rules().rate("x", 1, Duration::ZERO)), "rate");
    assert_eq!(refused(rules().ratio("x", 1.5, 1, MINUTE)), "ratio");
    assert_eq!(refused(rules().no_data("x", Duration::ZERO)), "no_data");
    assert_eq!(refused(rules().canary("x", "t", Duration::ZERO)), "canary");
}
