//! What is not new after a restart.

use std::path::Path;
use std::time::Duration;

use seawall_capture::{Alarms, Capture, Clock, Draft, Spool, Timestamp};

use super::Folder;

const HOUR: Duration = Duration::from_hours(1);

struct Bench {
    spool: Spool,
    alarms: Alarms,
    capture: Capture,
}

fn bench(path: &Path, clock: &Clock, learning: Duration) -> Bench {
    let spool = Spool::open(path).unwrap();
    let builder = Alarms::builder().clock(clock.clone()).spool(&spool);
    let alarms = builder.new_fingerprints("new", learning).build().unwrap();
    let capture = Capture::builder().clock(clock.clone()).observer(alarms.clone()).build().unwrap();
    Bench { spool, alarms, capture }
}

impl Bench {
    fn fail(&self, name: &str) -> usize {
        self.capture.record(Draft::new(name, "it broke"));
        self.alarms.check().len()
    }
}

fn clock() -> Clock {
    Clock::manual(Timestamp::from_millis(1_700_000_000_000))
}

#[tokio::test]
async fn what_was_seen_before_a_restart_is_not_new_after_it() {
    let (folder, clock) = (Folder::new(), clock());
    {
        let bench = bench(&folder.spool(), &clock, Duration::ZERO);
        assert_eq!([bench.fail("A"), bench.fail("B"), bench.fail("A")], [1, 1, 0]);
        bench.spool.flush().await.unwrap();
    }
    let bench = bench(&folder.spool(), &clock, Duration::ZERO);
    assert_eq!([bench.fail("A"), bench.fail("B"), bench.fail("C")], [0, 0, 1]);
    // In the order in which they came.
    let known = bench.alarms.known();
    assert_eq!(known.len(), 3);
    assert_eq!(known[2], bench.capture.prepare(Draft::new("C", "it broke")).grouping.fingerprint);
}

#[tokio::test]
async fn learning_goes_on_where_it_was_however_often_the_process_starts() {
    let (folder, clock) = (Folder::new(), clock());
    for n in 0..24 {
        let bench = bench(&folder.spool(), &clock, HOUR * 24);
        assert_eq!(bench.fail(&format!("kind {n}x")), 0, "hour {n}");
        clock.advance(HOUR);
    }
    let bench = bench(&folder.spool(), &clock, HOUR * 24);
    assert_eq!([bench.fail("kind 7x"), bench.fail("kind 99x")], [0, 1]);
}

#[tokio::test]
async fn more_than_is_noted_is_remembered_all_the_same() {
    let (folder, clock) = (Folder::new(), clock());
    let fail = |bench: &Bench, n: u32| {
        bench.capture.record(Draft::new("E", "x").fingerprint(n.to_string()));
    };
    {
        let bench = bench(&folder.spool(), &clock, Duration::ZERO);
        (0..20_000).for_each(|n| fail(&bench, n));
        bench.alarms.check();
    }
    let bench = bench(&folder.spool(), &clock, Duration::ZERO);
    assert_eq!(bench.alarms.known().len(), 20_000);
    (0..20_000).for_each(|n| fail(&bench, n));
    assert!(bench.alarms.check().is_empty());
}

#[tokio::test]
async fn each_rule_has_a_memory_of_its_own_by_its_name() {
    let (folder, clock) = (Folder::new(), clock());
    {
        let bench = bench(&folder.spool(), &clock, Duration::ZERO);
        bench.fail("A");
    }
    let spool = Spool::open(folder.spool()).unwrap();
    let alarms = Alarms::builder()
        .clock(clock.clone())
        .spool(&spool)
        .new_fingerprints("another", Duration::ZERO)
        .new_fingerprints("new", Duration::ZERO)
        .build()
        .unwrap();
    let capture = Capture::builder().observer(alarms.clone()).build().unwrap();
    capture.record(Draft::new("A", "it broke"));
    let notices = alarms.check();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].rule, "another");
    assert_eq!(Alarms::builder().spool(&spool).build().unwrap_err().field, "spool");
}
