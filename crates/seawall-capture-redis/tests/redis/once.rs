//! An operation is applied once, however often it is sent: answers that are lost, scripts that are
//! gone, operations that are overtaken.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use seawall_capture::Store;
use seawall_capture::store::{Filter, Mute, Resolution};
use seawall_capture_redis::RedisStore;

use crate::server::{Server, failure, synced, totals, until_async};

/// Stands between the store and the server, and drops the connection instead of an answer as often
/// as its settings say.
struct Thief {
    socket: PathBuf,
    orders: Arc<Orders>,
}

#[derive(Default)]
struct Orders {
    /// How many answers are to be stolen.
    steal: AtomicU32,
    stolen: AtomicU32,
    /// How many connections there were.
    connections: AtomicU32,
    /// How many of them, the oldest, carry no answers any more and are not closed.
    silent: AtomicU32,
}

impl Thief {
    fn before(server: &Server) -> Self {
        let socket = server.socket().with_file_name("thief");
        let listener = UnixListener::bind(&socket).unwrap();
        let orders = Arc::new(Orders::default());
        let (server, carried) = (server.socket(), Arc::clone(&orders));
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(server) = UnixStream::connect(&server) else { return };
                carry(client.unwrap(), server, Arc::clone(&carried));
            }
        });
        Self { socket, orders }
    }

    fn store(&self) -> RedisStore {
        let address = format!("redis+unix://{}", self.socket.display());
        RedisStore::at(&address).unwrap()
    }

    /// Has the next answer stolen.
    fn steal(&self) {
        self.orders.steal.fetch_add(1, Ordering::SeqCst);
    }

    fn stolen(&self) -> u32 {
        self.orders.stolen.load(Ordering::SeqCst)
    }

    /// Lets the connections that there are fall silent.
    fn silence(&self) {
        let connections = self.orders.connections.load(Ordering::SeqCst);
        self.orders.silent.store(connections, Ordering::SeqCst);
    }
}

fn carry(client: UnixStream, server: UnixStream, orders: Arc<Orders>) {
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
    });
    let (mut from, mut to) = (server, client);
    let number = orders.connections.fetch_add(1, Ordering::SeqCst);
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            // What says `NOSCRIPT` is no answer yet, and neither is the hash of a loaded script or
            // what greets a client.
            let answer = &buffer[..read];
            let prelude = [&b"-"[..], b"$40", b"+"].iter().any(|start| answer.starts_with(start));
            if number < orders.silent.load(Ordering::SeqCst) {
                continue;
            }
            if !prelude && orders.steal.load(Ordering::SeqCst) > 0 {
                orders.steal.fetch_sub(1, Ordering::SeqCst);
                orders.stolen.fetch_add(1, Ordering::SeqCst);
                break;
            }
            if to.write_all(answer).is_err() {
                break;
            }
        }
        let _ = from.shutdown(std::net::Shutdown::Both);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

#[tokio::test]
async fn what_was_recorded_is_counted_once_though_the_answer_was_lost() {
    let Some(server) = Server::start() else { return };
    let thief = Thief::before(&server);
    let store = thief.store();
    synced(&store).await;
    for round in 1..=20 {
        for n in 0..100 {
            store.record(&failure(&format!("E{n}x")));
        }
        thief.steal();
        synced(&store).await;
        assert_eq!(totals(&server.store()).await.recorded, round * 100);
    }
    assert!(thief.stolen() >= 20);
    assert_eq!(store.local().delivered, 2_000);
}

#[tokio::test]
async fn what_takers_do_is_done_once_though_the_answer_was_lost() {
    let Some(server) = Server::start() else { return };
    let (thief, reader) = (Thief::before(&server), server.store());
    let store = thief.store();
    for n in 0..200 {
        store.record(&failure(&format!("E{n}x")));
    }
    synced(&store).await;
    thief.steal();
    let batch = until_async("a batch", async || store.take(150).await.ok()).await;
    assert_eq!((batch.groups.len(), batch.count()), (150, 150));
    assert_eq!(totals(&reader).await.in_flight, 150);
    thief.steal();
    assert!(store.put_back(batch.id).await.unwrap());
    assert_eq!(totals(&reader).await.held, 200);
    thief.steal();
    let batch = until_async("a batch", async || store.take(usize::MAX).await.ok()).await;
    assert_eq!(batch.count(), 200);
    thief.steal();
    assert!(store.acknowledge(batch.id).await.unwrap());
    assert_eq!(totals(&reader).await.delivered, 200);
    assert!(thief.stolen() >= 4, "{}", thief.stolen());
}

#[tokio::test]
async fn marks_are_made_once_though_the_answer_was_lost() {
    let Some(server) = Server::start() else { return };
    let thief = Thief::before(&server);
    let store = thief.store();
    let [a, b] = ["A", "B"].map(|name| {
        let record = failure(name);
        store.record(&record);
        record.grouping.fingerprint
    });
    synced(&store).await;
    thief.steal();
    assert!(store.resolve(a, Resolution::NOW).await.unwrap());
    thief.steal();
    assert!(store.mute(a, Some(Mute::FOREVER)).await.unwrap());
    thief.steal();
    // Done twice, the second would answer no.
    assert!(store.merge(a, b).await.unwrap());
    assert_eq!(thief.stolen(), 3);
    assert_eq!(store.group(a).await.unwrap().unwrap().count, 2);
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_loaded_again() {
    let Some(server) = Server::start() else { return };
    let store = server.store();
    for round in 1..=5 {
        server.run::<()>("SCRIPT FLUSH SYNC");
        store.record(&failure("A"));
        store.sync().await.unwrap();
        server.run::<()>("SCRIPT FLUSH SYNC");
        assert_eq!(store.list(&Filter::default()).await.unwrap()[0].count, round);
    }
}

#[tokio::test]
async fn what_a_cancelled_handover_began_is_counted_once() {
    let Some(server) = Server::start() else { return };
    let store = server.store();
    for round in 1..=50_u64 {
        for n in 0..200 {
            store.record(&failure(&format!("E{n}x")));
        }
        // Dropped after some polls: with operations that were sent, and not answered.
        let mut handover = Box::pin(store.sync());
        for _ in 0..round {
            tokio::select! {
                biased;
                _ = &mut handover => break,
                () = tokio::task::yield_now() => {}
            }
        }
        drop(handover);
    }
    synced(&store).await;
    assert_eq!(totals(&store).await.recorded, 10_000);
}

#[tokio::test]
async fn a_connection_that_fell_silent_is_replaced() {
    let Some(server) = Server::start() else { return };
    let thief = Thief::before(&server);
    let store = thief.store();
    for round in 1..=3 {
        store.record(&failure("A"));
        synced(&store).await;
        assert_eq!(totals(&server.store()).await.recorded, 2 * round - 1);
        thief.silence();
        store.record(&failure("A"));
        synced(&store).await;
        assert_eq!(totals(&server.store()).await.recorded, 2 * round);
    }
}
