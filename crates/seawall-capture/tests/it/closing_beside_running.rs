//! One task runs a digester, another closes it: each digest is sent once, or is left once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seawall_capture::digest::{Digest, Sink, SinkFuture};
use tokio::time::{Instant, sleep};

use crate::digest_bench::{Bench, SECOND};

/// Takes its time, and refuses some at first.
struct Slow {
    takes: Duration,
    refuses: AtomicUsize,
    sent: AtomicUsize,
}

impl Slow {
    fn new(takes: Duration, refuses: usize) -> Arc<Self> {
        Arc::new(Self { takes, refuses: AtomicUsize::new(refuses), sent: AtomicUsize::new(0) })
    }
}

impl Sink for Slow {
    fn send<'a>(&'a self, _: &'a Digest) -> SinkFuture<'a> {
        Box::pin(async {
            sleep(self.takes).await;
            let less = |left: usize| left.checked_sub(1);
            if self.refuses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
                return Err("no".into());
            }
            self.sent.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

/// A bench whose `run` is in the middle of sending.
async fn running(sink: &Arc<Slow>) -> (Bench, tokio::task::JoinHandle<()>) {
    let bench = Bench::new();
    bench.fail("A");
    bench.clock.advance(SECOND * 30);
    let (digester, sink) = (bench.digester.clone(), Arc::clone(sink));
    let run = tokio::spawn(async move { digester.run(&*sink).await });
    sleep(Duration::from_millis(1)).await;
    (bench, run)
}

#[tokio::test(start_paused = true)]
async fn what_run_is_sending_is_waited_for() {
    let sink = Slow::new(SECOND * 5, 0);
    let (bench, run) = running(&sink).await;
    let began = Instant::now();
    let closed = bench.digester.close(&*sink, SECOND * 10).await;
    assert!(began.elapsed() >= SECOND * 4 && began.elapsed() < SECOND * 6);
    assert_eq!((closed.sent, closed.sending, closed.left.len()), (0, 0, 0));
    assert_eq!(sink.sent.load(Ordering::SeqCst), 1);
    assert_eq!(bench.digester.counts().sent, 1);
    run.abort();
}

#[tokio::test(start_paused = true)]
async fn what_run_could_not_send_is_sent_by_closing() {
    let sink = Slow::new(SECOND, 1);
    let (bench, run) = running(&sink).await;
    let closed = bench.digester.close(&*sink, SECOND * 10).await;
    assert_eq!((closed.sent, closed.sending, closed.left.len()), (1, 0, 0));
    assert_eq!(sink.sent.load(Ordering::SeqCst), 1);
    run.abort();
}

#[tokio::test(start_paused = true)]
async fn what_run_is_still_sending_at_the_end_is_not_left() {
    let sink = Slow::new(SECOND * 20, 0);
    let (bench, run) = running(&sink).await;
    let began = Instant::now();
    let closed = bench.digester.close(&*sink, SECOND * 10).await;
    assert_eq!(began.elapsed(), SECOND * 10);
    assert_eq!((closed.sent, closed.sending, closed.left.len()), (0, 1, 0));
    sleep(SECOND * 11).await;
    assert_eq!(sink.sent.load(Ordering::SeqCst), 1);
    assert_eq!(bench.digester.counts().waiting, 0);
    run.abort();
}
