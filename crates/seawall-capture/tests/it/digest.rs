//! From many to few.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seawall_capture::digest::{
    Callback, Digest, DigesterBuilder, JsonLines, Sink, SinkFuture, TextLines,
};
use seawall_capture::{Capture, Clock, Digester, Draft, MemoryStore, Timestamp};
use seawall_core::Random;

const SECOND: Duration = Duration::from_secs(1);

struct Bench {
    clock: Clock,
    capture: Capture,
    digester: Digester,
    store: MemoryStore,
    sent: Arc<Mutex<Vec<Digest>>>,
    /// How often the sink refuses from now on.
    refuse: Arc<AtomicUsize>,
}

fn bench_with(change: impl FnOnce(DigesterBuilder) -> DigesterBuilder) -> Bench {
    let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
    let builder = Digester::builder().clock(clock.clone()).random(Random::seeded(7));
    let digester = change(builder).build().unwrap();
    let store = MemoryStore::builder().clock(clock.clone()).build().unwrap();
    let capture = Capture::builder()
        .service("billing")
        .clock(clock.clone())
        .store(store.clone())
        .observer(digester.clone())
        .build()
        .unwrap();
    Bench { clock, capture, digester, store, sent: Arc::default(), refuse: Arc::default() }
}

fn bench() -> Bench {
    bench_with(|builder| builder)
}

impl Bench {
    fn fail(&self, name: &str) {
        self.capture.record(Draft::new(name, "it broke").source("cart"));
    }

    fn sink(&self) -> impl Sink + use<> {
        let (sent, refuse) = (Arc::clone(&self.sent), Arc::clone(&self.refuse));
        Callback::new(move |digest: &Digest| {
            let less = |left: usize| left.checked_sub(1);
            let refused = refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
            if refused {
                return Err("no".into());
            }
            sent.lock().unwrap().push(digest.clone());
            Ok(())
        })
    }

    async fn step(&self) -> usize {
        self.digester.step(&self.sink()).await.0
    }

    fn sent(&self) -> Vec<Digest> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_sent_when_it_has_been_quiet() {
    let bench = bench();
    bench.fail("A");
    bench.clock.advance(SECOND * 29);
    assert_eq!(bench.step().await, 0);
    bench.fail("A");
    bench.clock.advance(SECOND * 29);
    assert_eq!(bench.step().await, 0);
    bench.clock.advance(SECOND);
    assert_eq!(bench.step().await, 1);
    let digest = bench.sent().remove(0);
    assert_eq!((digest.count, digest.groups.len(), digest.key.as_str()), (2, 1, "billing"));
    assert_eq!(digest.to.since(digest.from), SECOND * 29);
    bench.clock.advance(SECOND * 1_000);
    assert_eq!(bench.step().await, 0);
}

#[tokio::test(start_paused = true)]
async fn what_never_gets_quiet_is_sent_after_the_longest_time() {
    let bench = bench();
    for second in 0..300 {
        bench.fail("A");
        assert_eq!(bench.step().await, 0, "{second}");
        bench.clock.advance(SECOND);
    }
    assert_eq!(bench.step().await, 1);
    assert_eq!(bench.sent()[0].count, 300);
}

#[tokio::test(start_paused = true)]
async fn new_groups_are_on_top_and_the_rest_goes_by_count() {
    let bench = bench();
    for name in ["A", "B", "B"] {
        bench.fail(name);
    }
    bench.clock.advance(SECOND * 30);
    bench.step().await;
    bench.sent();
    for name in ["A", "B", "B", "B", "C", "A"] {
        bench.fail(name);
    }
    bench.clock.advance(SECOND * 30);
    bench.step().await;
    let digest = bench.sent().remove(0);
    let order: Vec<_> = digest.groups.iter().map(|g| (g.type_name.as_str(), g.new)).collect();
    assert_eq!(order, [("C", true), ("B", false), ("A", false)]);
    assert_eq!(digest.subject(), "billing: C: it broke (6 failures in 3 groups, 1 new)");
    assert_eq!(digest.groups[0].sources.get("cart"), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_digest_that_failed_is_sent_again_with_the_same_id_after_a_backoff() {
    let bench = bench();
    bench.fail("A");
    bench.clock.advance(SECOND * 30);
    bench.refuse.store(2, Ordering::SeqCst);
    let (sent, errors) = bench.digester.step(&bench.sink()).await;
    assert_eq!((sent, errors.len()), (0, 1));
    bench.fail("B");
    for wait in [30, 60] {
        bench.clock.advance(SECOND * (wait - 1));
        assert_eq!(bench.step().await, 0, "not before its time");
        bench.clock.advance(SECOND);
        bench.step().await;
    }
    let sent = bench.sent();
    let names: Vec<_> = sent.iter().map(|digest| digest.groups[0].type_name.as_str()).collect();
    assert_eq!(names, ["B", "A"]);
    assert_ne!(sent[0].id, sent[1].id);
    assert_eq!(bench.digester.counts().failed, 2);
    assert_eq!(bench.digester.counts().sent, 2);
}

#[tokio::test(start_paused = true)]
async fn too_many_that_wait_are_merged_and_no_failure_is_lost() {
    let bench = bench_with(|builder| builder.max_waiting(2).max_groups(3));
    bench.refuse.store(usize::MAX, Ordering::SeqCst);
    for round in 0..5 {
        bench.fail(&format!("E{round}x"));
        bench.fail("always");
        bench.clock.advance(SECOND * 30);
        bench.step().await;
    }
    let counts = bench.digester.counts();
    assert_eq!((counts.waiting, counts.merged, counts.dropped), (2, 3, 0));
    bench.refuse.store(0, Ordering::SeqCst);
    bench.clock.advance(SECOND * 3_600);
    bench.step().await;
    let sent = bench.sent();
    assert_eq!(sent.iter().map(|digest| digest.count).sum::<u64>(), 10);
    for digest in sent {
        let shown: u64 = digest.groups.iter().map(|group| group.count).sum();
        assert_eq!(shown + digest.other, digest.count);
        assert!(digest.groups.len() <= 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_hangs_has_failed_and_one_that_is_dropped_too() {
    let bench = bench();
    bench.fail("A");
    bench.clock.advance(SECOND * 30);
    let (sent, errors) = bench.digester.step(&Hangs).await;
    assert_eq!((sent, errors.len()), (0, 1));
    bench.clock.advance(SECOND * 30);
    let dropped = tokio::time::timeout(SECOND, bench.digester.run(&Hangs)).await;
    assert!(dropped.is_err());
    bench.clock.advance(SECOND * 60);
    assert_eq!(bench.step().await, 1);
}

#[tokio::test(start_paused = true)]
async fn closing_sends_everything_or_says_what_is_left() {
    let bench = bench_with(|builder| builder.key(|record| record.type_name.clone()));
    bench.fail("A");
    bench.fail("B");
    bench.refuse.store(1, Ordering::SeqCst);
    let closed = bench.digester.close(&bench.sink(), SECOND * 5).await;
    assert_eq!((closed.sent, closed.left.len()), (1, 1));
    assert_eq!(closed.left[0].count, 1);
    bench.fail("C");
    let began = tokio::time::Instant::now();
    let closed = bench.digester.close(&Slow, SECOND * 5).await;
    assert_eq!(began.elapsed(), SECOND * 5);
    assert_eq!((closed.sent, closed.left.len()), (0, 1));
}

struct Slow;

impl Sink for Slow {
    fn send<'a>(&'a self, _: &'a Digest) -> SinkFuture<'a> {
        Box::pin(async {
            tokio::time::sleep(SECOND * 10).await;
            Ok(())
        })
    }
}

struct Hangs;

impl Sink for Hangs {
    fn send<'a>(&'a self, _: &'a Digest) -> SinkFuture<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_captures_does_not_feed_itself() {
    let bench = bench();
    bench.fail("A");
    bench.clock.advance(SECOND * 30);
    let capture = bench.capture.clone();
    let sink = Callback::new(move |_: &Digest| {
        capture.record(Draft::new("SinkFailed", "no route"));
        Err("no route".into())
    });
    bench.digester.step(&sink).await;
    assert_eq!((bench.store.totals().recorded, bench.capture.recursions()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn each_digest_is_a_flush_for_the_pager_whether_it_was_sent_or_not() {
    let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
    let alarms = seawall_capture::Alarms::builder()
        .clock(clock.clone())
        .pager("pager", 5, SECOND * 60, 3)
        .build()
        .unwrap();
    let digester = Digester::builder().clock(clock.clone()).alarms(alarms.clone()).build().unwrap();
    let capture =
        Capture::builder().clock(clock.clone()).observer(digester.clone()).build().unwrap();
    for _ in 0..5 {
        capture.record(Draft::new("E", "it broke"));
    }
    assert!(alarms.check().is_empty());
    clock.advance(SECOND * 30);
    let refuses = Callback::new(|_: &Digest| Err("no".into()));
    digester.step(&refuses).await;
    assert_eq!(alarms.check().len(), 1);
    clock.advance(SECOND * 60);
    digester.step(&refuses).await;
    assert_eq!(
        alarms.check()[0].to_string(),
        "resolved: pager: 3.3 failures in 60s over the last 1 flushes, limit 5",
        "a digest that is sent again is no other flush"
    );
}

#[tokio::test(start_paused = true)]
async fn keys_have_a_bound() {
    let bench = bench_with(|b| b.max_keys(2).key(|record| record.type_name.clone()));
    for name in ["A", "B", "C", "D", "A"] {
        bench.fail(name);
    }
    bench.clock.advance(SECOND * 30);
    bench.step().await;
    let mut keys: Vec<_> =
        bench.sent().into_iter().map(|digest| (digest.key, digest.count)).collect();
    keys.sort();
    assert_eq!(keys, [("A".into(), 2), ("B".into(), 1), ("others".into(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn text_has_a_bound_and_counts_what_does_not_fit() {
    let bench = bench();
    for n in 0..100 {
        bench.capture.record(Draft::new(&format!("E{n}x"), "it broke").fingerprint(n.to_string()));
    }
    bench.clock.advance(SECOND * 30);
    bench.step().await;
    let digest = bench.sent().remove(0);
    for bytes in [0, 400, 1_000, 5_000, 100_000] {
        let text = digest.text(bytes);
        assert!(text.len() <= bytes.max(400), "{} of {bytes}", text.len());
        let shown = text.lines().filter(|line| line.contains("1× E")).count();
        let more = format!("+{} more groups with {} failures", 100 - shown, 100 - shown);
        assert_eq!(text.contains(&more), shown < 100, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn hostile_text_stays_on_its_line_and_out_of_the_json() {
    let bench = bench();
    let hostile = "x\r\nBcc: all@example.org\u{1b}[31m\u{202e}\u{2028}\"'<b>";
    bench.capture.record(Draft::new(hostile, hostile).source(hostile).description(hostile));
    bench.clock.advance(SECOND * 30);
    bench.step().await;
    let digest = bench.sent().remove(0);
    let text = digest.text(10_000);
    assert!(!text.contains(['\r', '\u{1b}', '\u{202e}', '\u{2028}']));
    assert!(!text.lines().any(|line| line.starts_with("Bcc")));
    let json = JsonLines::new(Vec::new());
    json.send(&digest).await.unwrap();
    let lines = String::from_utf8(json.into_inner()).unwrap();
    assert_eq!(lines.lines().count(), 1);
    let read: serde_json::Value = serde_json::from_str(&lines).unwrap();
    assert_eq!(read["id"], digest.id.as_str());
    let plain = TextLines::new(Vec::new());
    plain.send(&digest).await.unwrap();
    assert!(!plain.into_inner().is_empty());
}

#[tokio::test(start_paused = true)]
async fn details_never_get_into_a_digest() {
    let bench = bench();
    bench.capture.record(Draft::new("E", "user 4711").value("who", "ann").correlation_id("c-99"));
    bench.clock.advance(SECOND * 30);
    bench.step().await;
    let json = serde_json::to_string(&bench.sent()).unwrap();
    assert!(
        !json.contains("ann") && !json.contains("c-99") && !json.contains("user 4711"),
        "{json}"
    );
}
