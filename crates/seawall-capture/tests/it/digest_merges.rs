//! Digests that are merged because too many wait.

use std::sync::{Arc, Mutex};

use seawall_capture::digest::{Callback, Digest, Sink, SinkFuture};
use tokio::sync::Semaphore;

use crate::digest_bench::{Bench, SECOND};

fn bench() -> Bench {
    let clock = seawall_capture::Clock::manual(seawall_capture::Timestamp::from_millis(0));
    Bench::at(&clock, None, |builder| builder.max_waiting(1))
}

/// A receiver that knows one of the two would take what is merged for that one.
#[tokio::test(start_paused = true)]
async fn a_merged_digest_has_an_id_of_its_own() {
    let bench = bench();
    let tried: Arc<Mutex<Vec<(String, u64)>>> = Arc::default();
    let refuses = || {
        let tried = Arc::clone(&tried);
        Callback::new(move |digest: &Digest| {
            tried.lock().unwrap().push((digest.id.clone(), digest.count));
            Err("no".into())
        })
    };
    for name in ["A", "B", "C"] {
        bench.fail(name);
        bench.clock.advance(SECOND * 3_600);
        bench.digester.step(&refuses()).await;
    }
    let tried = tried.lock().unwrap();
    assert_eq!(tried.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(tried.windows(2).all(|pair| pair[0].0 != pair[1].0), "{tried:?}");
    assert_eq!(bench.digester.counts().merged, 2);
}

/// Takes a digest once it may.
struct Slow {
    may: Semaphore,
    taken: Mutex<Vec<u64>>,
}

impl Sink for Slow {
    fn send<'a>(&'a self, digest: &'a Digest) -> SinkFuture<'a> {
        Box::pin(async {
            self.may.acquire().await?.forget();
            self.taken.lock().unwrap().push(digest.count);
            Ok(())
        })
    }
}

/// What is added to a digest that is on its way would be lost when that arrives.
#[tokio::test(start_paused = true)]
async fn nothing_is_merged_into_one_that_is_being_sent() {
    let bench = bench();
    let slow = Arc::new(Slow { may: Semaphore::new(0), taken: Mutex::default() });
    bench.fail("A");
    bench.clock.advance(SECOND * 30);
    let sending = tokio::spawn({
        let (digester, slow) = (bench.digester.clone(), Arc::clone(&slow));
        async move { digester.step(&*slow).await }
    });
    tokio::time::sleep(SECOND).await;
    // Two more, while the first is on its way.
    for name in ["B", "C"] {
        bench.fail(name);
        bench.clock.advance(SECOND * 30);
        let refuses = Callback::new(|_: &Digest| Err("no".into()));
        bench.digester.step(&refuses).await;
    }
    slow.may.add_permits(1);
    sending.await.unwrap();
    assert_eq!(*slow.taken.lock().unwrap(), [1]);
    bench.clock.advance(SECOND * 3_600);
    slow.may.add_permits(9);
    bench.digester.step(&*slow).await;
    let counts = bench.digester.counts();
    let told: u64 = slow.taken.lock().unwrap().iter().sum();
    assert_eq!((told + counts.dropped_failures, counts.waiting), (3, 0), "{counts:?}");
}

/// Nor is one that is being sent merged into an earlier one, which would bring it a second time.
#[tokio::test(start_paused = true)]
async fn nothing_that_is_being_sent_is_merged_into_another() {
    let clock = seawall_capture::Clock::manual(seawall_capture::Timestamp::from_millis(0));
    let retry = SECOND * 600;
    let bench = Bench::at(&clock, None, |builder| builder.max_waiting(2).retry(retry, retry));
    let refuses = Callback::new(|_: &Digest| Err("no".into()));
    bench.fail("A");
    bench.clock.advance(SECOND * 30);
    bench.digester.step(&refuses).await;
    let slow = Arc::new(Slow { may: Semaphore::new(0), taken: Mutex::default() });
    bench.fail("B");
    bench.clock.advance(SECOND * 30);
    let sending = tokio::spawn({
        let (digester, slow) = (bench.digester.clone(), Arc::clone(&slow));
        async move { digester.step(&*slow).await }
    });
    tokio::time::sleep(SECOND).await;
    // One more, while the second is on its way and the first waits to be tried again.
    bench.fail("C");
    bench.clock.advance(SECOND * 30);
    bench.digester.step(&refuses).await;
    assert_eq!(bench.digester.counts().merged, 1);
    slow.may.add_permits(9);
    sending.await.unwrap();
    bench.clock.advance(SECOND * 3_600);
    bench.digester.step(&*slow).await;
    let told: u64 = slow.taken.lock().unwrap().iter().sum();
    assert_eq!((told, bench.digester.counts().waiting), (3, 0), "{:?}", slow.taken.lock());
}
