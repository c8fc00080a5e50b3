//! A server that is killed while it appends to its file finds half of a script there when it starts
//! again, and goes on behind it. The start after that takes both for one transaction: what half a
//! script wrote is applied after all, right before what the operation wrote when it was sent again.

use std::path::{Path, PathBuf};

use seawall_capture::Store;
use seawall_capture_redis::RedisStore;

use crate::server::{Server, failure, synced, totals};

fn appended(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder.join("appendonlydir")).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    files.find(|path| path.to_string_lossy().ends_with(".incr.aof")).unwrap()
}

/// Kills the server, and leaves `keep` of what its last script appended, in the middle of a command.
fn cut(server: &mut Server, keep: f64) {
    let file = appended(server.directory());
    server.kill();
    let bytes = std::fs::read(&file).unwrap();
    let begin = b"*1\r\n$5\r\nMULTI\r\n";
    let last = bytes.windows(begin.len()).rposition(|window| window == begin).unwrap();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let kept = last + begin.len() + ((bytes.len() - last) as f64 * keep) as usize;
    // The end of a line is in the middle of a command, too, unless it is the last of one.
    std::fs::write(&file, &bytes[..kept.min(bytes.len() - 20)]).unwrap();
    server.restart();
}

fn store(server: &Server) -> RedisStore {
    server.store()
}

#[tokio::test]
async fn what_is_recorded_is_counted_once() {
    for keep in [0.1, 0.3, 0.5, 0.7, 0.85] {
        let Some(mut server) = Server::durable() else { return };
        let counts = store(&server);
        for n in 0..5 {
            (0..10).for_each(|_| _ = counts.record(&failure(&format!("E{n}x"))));
        }
        synced(&counts).await;
        let before = totals(&counts).await;
        assert_eq!(before.recorded, 50);
        cut(&mut server, keep);
        // The script is not there: as if it had never been applied. The process does not know, so
        // another one, whose operation has the same number, stands for one that sends it again.
        assert_eq!(totals(&counts).await.recorded, 0);
        let again = store(&server);
        for n in 0..5 {
            (0..10).for_each(|_| _ = again.record(&failure(&format!("E{n}x"))));
        }
        synced(&again).await;
        let live = totals(&again).await;
        assert_eq!((live.recorded, live.held, live.groups), (50, 50, 5));
        server.kill();
        server.restart();
        assert_eq!(totals(&store(&server)).await, live, "{keep} of the script");
    }
}

#[tokio::test]
async fn what_is_taken_is_taken_once() {
    for keep in [0.2, 0.5, 0.8] {
        let Some(mut server) = Server::durable() else { return };
        let counts = store(&server);
        for n in 0..5 {
            (0..10).for_each(|_| _ = counts.record(&failure(&format!("E{n}x"))));
        }
        synced(&counts).await;
        let _lost = counts.take(10).await.unwrap();
        cut(&mut server, keep);
        let batch = counts.take(10).await.unwrap();
        assert_eq!((batch.groups.len(), batch.count()), (5, 50));
        let live = totals(&counts).await;
        server.kill();
        server.restart();
        let counts = store(&server);
        let restarted = totals(&counts).await;
        assert_eq!((restarted.recorded, restarted.in_flight), (live.recorded, live.in_flight));
        assert!(counts.put_back(batch.id).await.unwrap());
        assert_eq!(totals(&counts).await.held, 50, "{keep} of the script");
    }
}

/// Keys of another version of this crate are left as they are.
#[tokio::test]
async fn a_store_of_another_shape_is_corrupt() {
    use seawall_capture::store::StoreError;

    let Some(server) = Server::start() else { return };
    let counts = store(&server);
    for old in ["HSET {seawall:default}:sums recorded 7", "HSET {seawall:default}:sums shape 3"] {
        server.run::<()>("FLUSHALL");
        server.run::<()>(old);
        counts.record(&failure("A"));
        assert!(matches!(counts.sync().await, Err(StoreError::Corrupt(_))), "{old}");
        assert_eq!(server.run::<u64>("HLEN {seawall:default}:sums"), 1);
    }
    server.run::<()>("FLUSHALL");
    synced(&counts).await;
    assert_eq!(totals(&counts).await.recorded, 2);
}
