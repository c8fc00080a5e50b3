//! A known failure that goes on is reported less and less often, and a restart changes nothing about
//! that; what is new or is back is reported at once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use seawall_capture::store::{Resolution, Seen};
use seawall_capture::{Clock, Draft, Spool, Timestamp};

use crate::digest_bench::{Bench, MINUTE, SECOND};

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("seawall-reminders-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn spool(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn clock() -> Clock {
    Clock::manual(Timestamp::from_millis(1_700_000_000_000))
}

#[tokio::test(start_paused = true)]
async fn a_failure_every_forty_seconds_is_a_dozen_mails_a_day() {
    let bench = Bench::new();
    let (mut mails, mut failures) = (Vec::new(), 0);
    for second in 0..24 * 3_600 {
        if second % 40 == 0 {
            bench.fail("A");
            failures += 1;
        }
        bench.clock.advance(SECOND);
        for digest in bench.step().await {
            mails.push((second, digest.count));
        }
    }
    assert!((12..=15).contains(&mails.len()), "{mails:?}");
    let gaps: Vec<_> = mails.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    for (gap, minutes) in gaps.iter().zip([1, 2, 4, 8, 16, 32, 64, 128, 240, 240]) {
        assert!((minutes * 60..minutes * 60 + 100).contains(gap), "{gap} s, {minutes} min");
    }
    // None is forgotten.
    bench.clock.advance(Duration::from_hours(5));
    mails.extend(bench.step().await.into_iter().map(|digest| (0, digest.count)));
    assert_eq!(mails.iter().map(|(_, count)| count).sum::<u64>(), failures);
}

#[tokio::test(start_paused = true)]
async fn what_is_new_or_is_back_is_told_of_at_once_and_takes_the_rest_along() {
    let bench = Bench::new();
    let tell = async || {
        bench.clock.advance(SECOND * 30);
        bench.step().await
    };
    bench.fail("A");
    assert_eq!(tell().await.len(), 1);
    bench.fail("A");
    assert!(tell().await.is_empty(), "A is known");
    bench.fail("B");
    let digest = tell().await.remove(0);
    assert_eq!((digest.count, digest.groups[0].type_name.as_str()), (2, "B"));
    let name = digest.groups[1].fingerprint;
    assert!(bench.store.resolve(name, Resolution::NOW));
    assert_eq!(bench.capture.record(Draft::new("A", "it broke")), Seen::Regressed);
    assert!(tell().await[0].groups[0].new);
}

#[tokio::test(start_paused = true)]
async fn after_a_long_silence_it_begins_anew() {
    let bench = Bench::new();
    for hours in [0, 5, 5] {
        bench.clock.advance(Duration::from_hours(hours));
        for wait in [0, 60, 120] {
            bench.clock.advance(SECOND * wait);
            bench.fail("A");
            bench.clock.advance(SECOND * 30);
            assert_eq!(bench.step().await.len(), 1, "{hours} h, {wait} s");
        }
    }
}

/// The process is killed before it was quiet for long enough, again and again.
#[tokio::test]
async fn a_failure_that_is_on_disk_is_told_of_in_some_life() {
    let (folder, clock) = (Folder::new(), clock());
    let mut told = Vec::new();
    for life in 0..10 {
        let path = folder.spool(&format!("spool{life}"));
        let spool = Spool::open(&path).unwrap();
        let bench = Bench::at(&clock, Some(&spool), |builder| builder);
        bench.fail("A");
        spool.flush().await.unwrap();
        // As it was when the process was killed.
        std::fs::copy(&path, folder.spool(&format!("spool{}", life + 1))).unwrap();
        clock.advance(SECOND * 10);
        if life % 3 == 2 {
            // This one got further, and was killed after its digest was on disk, at the latest.
            clock.advance(SECOND * 30);
            told.extend(bench.step().await);
            spool.flush().await.unwrap();
            std::fs::copy(&path, folder.spool(&format!("spool{}", life + 1))).unwrap();
        }
    }
    assert_eq!(told[0].count, 3, "{told:?}");
    assert!(told[0].groups[0].new);
    clock.advance(Duration::from_hours(4));
    let spool = Spool::open(folder.spool("spool10")).unwrap();
    told.extend(Bench::at(&clock, Some(&spool), |builder| builder).step().await);
    assert_eq!(told.iter().map(|digest| digest.count).sum::<u64>(), 10, "{told:?}");
}

/// Each life closes in good order, and fails of the same.
#[tokio::test]
async fn a_crash_loop_is_no_mail_a_life() {
    let (folder, clock) = (Folder::new(), clock());
    let path = folder.spool("spool");
    let mut told = Vec::new();
    for _ in 0..60 {
        let spool = Spool::open(&path).unwrap();
        let bench = Bench::at(&clock, Some(&spool), |builder| builder);
        bench.fail("A");
        let closed = bench.digester.close(&bench.sink(), SECOND * 10).await;
        assert!(closed.left.is_empty());
        told.extend(bench.sent());
        clock.advance(SECOND * 10);
    }
    // Ten minutes: at once, after 1, 2 and 4 min.
    assert!((3..=5).contains(&told.len()), "{}", told.len());
    // What is gathered is reported when it is due.
    clock.advance(Duration::from_hours(4));
    let spool = Spool::open(&path).unwrap();
    let bench = Bench::at(&clock, Some(&spool), |builder| builder);
    told.extend(bench.step().await);
    assert_eq!(told.iter().map(|digest| digest.count).sum::<u64>(), 60);
}

#[tokio::test(start_paused = true)]
async fn without_a_spool_closing_leaves_nothing_behind() {
    let bench = Bench::new();
    bench.fail("A");
    bench.clock.advance(MINUTE);
    bench.step().await;
    bench.fail("A");
    let closed = bench.digester.close(&bench.sink(), SECOND).await;
    assert_eq!((closed.sent, closed.left.len()), (1, 0));
}
