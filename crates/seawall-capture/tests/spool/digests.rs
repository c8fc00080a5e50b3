//! Digests that the sink did not take before the process ended.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seawall_capture::digest::{Callback, Digest, Sink, SinkFuture};
use seawall_capture::{Capture, Digester, Draft, Spool};

use super::Folder;

const LONG: Duration = Duration::from_secs(30);

struct Hangs;

impl Sink for Hangs {
    fn send<'a>(&'a self, _: &'a Digest) -> SinkFuture<'a> {
        Box::pin(std::future::pending())
    }
}

fn refuses() -> impl Sink {
    Callback::new(|_: &Digest| Err("no".into()))
}

#[derive(Clone, Default)]
struct Takes(Arc<Mutex<Vec<Digest>>>);

impl Takes {
    fn sink(&self) -> impl Sink + use<> {
        let taken = Arc::clone(&self.0);
        Callback::new(move |digest: &Digest| {
            taken.lock().unwrap().push(digest.clone());
            Ok(())
        })
    }

    fn all(&self) -> Vec<Digest> {
        self.0.lock().unwrap().clone()
    }
}

fn digester(path: &Path) -> (Spool, Digester, Capture) {
    let spool = Spool::open(path).unwrap();
    let builder = Digester::builder().key(|record| record.type_name.clone());
    let digester = builder.spool(&spool).build().unwrap();
    let capture = Capture::builder().observer(digester.clone()).build().unwrap();
    (spool, digester, capture)
}

#[tokio::test]
async fn what_was_not_sent_is_sent_after_a_restart_with_its_id() {
    let folder = Folder::new();
    {
        let (_spool, digester, capture) = digester(&folder.spool());
        for name in ["A", "B", "A"] {
            capture.record(Draft::new(name, "it broke").source("cart"));
        }
        let closed = digester.close(&refuses(), LONG).await;
        assert_eq!((closed.sent, closed.spooled, closed.left.len()), (0, 2, 0));
    }
    let first = {
        let (_spool, digester, _) = digester(&folder.spool());
        assert_eq!(digester.counts().waiting, 2);
        let takes = Takes::default();
        // One is taken, and the process is gone before the other.
        let once = Mutex::new(false);
        let half = Callback::new(|digest: &Digest| {
            let mut once = once.lock().unwrap();
            if std::mem::replace(&mut *once, true) {
                return Err("no".into());
            }
            takes.0.lock().unwrap().push(digest.clone());
            Ok(())
        });
        let (sent, errors) = digester.step(&half).await;
        assert_eq!((sent, errors.len()), (1, 1));
        takes.all().remove(0)
    };
    let (_spool, digester, _) = digester(&folder.spool());
    let takes = Takes::default();
    assert_eq!(digester.step(&takes.sink()).await.0, 1);
    let second = takes.all().remove(0);
    assert_ne!(first.id, second.id);
    let mut told: Vec<_> = [&first, &second].map(|d| (d.key.as_str(), d.count)).into();
    told.sort_unstable();
    assert_eq!(told, [("A", 2), ("B", 1)]);
    assert_eq!(second.groups[0].sources.get("cart"), Some(second.count));
}

#[tokio::test]
async fn the_id_is_the_same_however_often_the_process_starts() {
    let folder = Folder::new();
    let tried = Arc::new(Mutex::new(Vec::new()));
    let refuses = || {
        let tried = Arc::clone(&tried);
        Callback::new(move |digest: &Digest| {
            tried.lock().unwrap().push((digest.id.clone(), digest.count));
            Err("no".into())
        })
    };
    {
        let (_spool, digester, capture) = digester(&folder.spool());
        capture.record(Draft::new("A", "it broke"));
        assert_eq!(digester.close(&refuses(), LONG).await.spooled, 1);
    }
    for _ in 0..3 {
        let (_spool, digester, _) = digester(&folder.spool());
        assert_eq!(digester.close(&refuses(), LONG).await.spooled, 1);
    }
    let tried = tried.lock().unwrap();
    assert_eq!(tried.len(), 4);
    assert!(tried.iter().all(|try_of| *try_of == tried[0]), "{tried:?}");
}

#[tokio::test]
async fn what_was_sent_is_not_in_the_spool() {
    let folder = Folder::new();
    {
        let (_spool, digester, capture) = digester(&folder.spool());
        capture.record(Draft::new("A", "it broke"));
        let closed = digester.close(&Takes::default().sink(), LONG).await;
        assert_eq!((closed.sent, closed.spooled, closed.left.len()), (1, 0, 0));
    }
    let (_spool, digester, _) = digester(&folder.spool());
    assert_eq!(digester.counts().waiting, 0);
}

#[tokio::test]
async fn a_sink_that_hangs_leaves_time_for_the_spool() {
    let folder = Folder::new();
    let (_spool, digester, capture) = digester(&folder.spool());
    capture.record(Draft::new("A", "it broke"));
    let began = std::time::Instant::now();
    let closed = digester.close(&Hangs, Duration::from_secs(4)).await;
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!((closed.sent, closed.spooled, closed.left.len()), (0, 1, 0));
}

#[tokio::test]
async fn where_the_spool_fails_what_is_left_is_given_back() {
    let folder = Folder::new();
    let (_spool, digester, capture) = digester(&folder.0.join("nowhere").join("spool"));
    capture.record(Draft::new("A", "it broke"));
    let closed = digester.close(&refuses(), LONG).await;
    assert_eq!((closed.sent, closed.spooled, closed.left.len()), (0, 0, 1));
    assert_eq!(closed.left[0].key, "A");
}

#[tokio::test]
async fn a_spool_is_for_one_digester() {
    let folder = Folder::new();
    let (spool, _digester, _) = digester(&folder.spool());
    assert_eq!(Digester::builder().spool(&spool).build().unwrap_err().field, "spool");
}
