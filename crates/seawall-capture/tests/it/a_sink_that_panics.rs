//! A sink that panics has failed, and nothing else ends by it.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use seawall_capture::digest::{Digest, Sink, SinkError, SinkFuture};

use crate::digest_bench::{Bench, SECOND};

/// Panics in one place after the other, and then takes what it gets.
#[derive(Default)]
struct Panics {
    calls: AtomicUsize,
    taken: AtomicUsize,
}

struct InPoll;

impl Future for InPoll {
    type Output = Result<(), SinkError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        panic!("in poll")
    }
}

struct InDrop(bool);

impl Future for InDrop {
    type Output = Result<(), SinkError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0 { Poll::Ready(Err("no".into())) } else { Poll::Pending }
    }
}

impl Drop for InDrop {
    fn drop(&mut self) {
        panic!("in drop")
    }
}

impl Sink for Panics {
    fn send<'a>(&'a self, _: &'a Digest) -> SinkFuture<'a> {
        match self.calls.fetch_add(1, Ordering::SeqCst) {
            0 => panic!("at once"),
            1 => Box::pin(InPoll),
            2 => Box::pin(InDrop(true)),
            // Times out.
            3 => Box::pin(InDrop(false)),
            _ => {
                self.taken.fetch_add(1, Ordering::SeqCst);
                Box::pin(std::future::ready(Ok(())))
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_counted_as_failed_and_asked_again_after_the_backoff() {
    let bench = Bench::new();
    bench.fail("A");
    bench.clock.advance(SECOND * 30);
    let sink = Panics::default();
    let mut errors = Vec::new();
    for wait in [30, 60, 120, 240] {
        let (sent, mut failed) = bench.digester.step(&sink).await;
        assert_eq!((sent, failed.len()), (0, 1));
        errors.append(&mut failed);
        bench.clock.advance(SECOND * (wait - 1));
        assert_eq!(bench.digester.step(&sink).await.0, 0, "not before its time");
        bench.clock.advance(SECOND);
    }
    assert!(errors[0].to_string().starts_with("the sink panicked: at once"), "{}", errors[0]);
    assert!(errors[1].to_string().starts_with("the sink panicked: in poll"), "{}", errors[1]);
    assert_eq!(bench.digester.step(&sink).await.0, 1);
    let counts = bench.digester.counts();
    assert_eq!((counts.failed, counts.sent, counts.waiting), (4, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn running_goes_on() {
    let bench = Bench::new();
    bench.fail("A");
    bench.clock.advance(SECOND * 30);
    let sink = Panics::default();
    let advance = async {
        while sink.taken.load(Ordering::SeqCst) == 0 {
            bench.clock.advance(SECOND * 300);
            tokio::time::sleep(SECOND).await;
        }
    };
    tokio::select! {
        () = bench.digester.run(&sink) => unreachable!(),
        () = advance => {}
        () = tokio::time::sleep(Duration::from_hours(1)) => panic!("it never got there"),
    }
}

#[tokio::test(start_paused = true)]
async fn closing_goes_on() {
    let bench = Bench::new();
    bench.fail("A");
    let closed = bench.digester.close(&Panics::default(), SECOND * 10).await;
    assert_eq!((closed.sent, closed.left.len()), (0, 1));
}
