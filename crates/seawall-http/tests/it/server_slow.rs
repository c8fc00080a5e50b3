//! Clients that are slow, or stop: they end, and those that move are never cut.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::io::AsyncReadExt;

use crate::served::{Settings, in_time};
use crate::whole::{KEPT, whole};

/// hyper#3756, #3185, #3970 (G63): connections that sent nothing, or little, stayed for ever.
#[tokio::test]
async fn slow_heads_end_and_idle_connections_stay() {
    let head_within = Some(Duration::from_millis(150));
    let whole = whole(Settings { head_within, ..Settings::default() }).await;
    let mut idle = whole.connect().await;
    idle.send(KEPT).await;
    idle.until("hello").await;
    let idle_h2 = whole.connect().await;
    let (mut h2, connection) = h2::client::handshake(idle_h2.0).await.unwrap();
    tokio::spawn(connection);
    for part in ["", "G", "GET / HTTP/1.1\r\nhost: te", "PRI * HTTP/2.0\r\n\r\nSM"] {
        let mut slow = whole.connect().await;
        slow.send(part).await;
        let said = slow.rest().await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{part:?}: {said}");
    }
    // More bytes change nothing: it is the whole head that has to come in time.
    let mut slow = whole.connect().await;
    for part in ["GET ", "/ HTTP/1.1\r\n", "host: te"] {
        slow.send(part).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(slow.rest().await, "");
    // A second head on a kept connection, after the idle time that is allowed.
    idle.send(KEPT).await;
    idle.until("hello").await;
    idle.send("GET / HTT").await;
    assert_eq!(idle.rest().await, "");
    let request = Request::get("http://test/").body(()).unwrap();
    let (answer, _) = h2.send_request(request, true).unwrap();
    assert_eq!(in_time(answer).await.unwrap().status(), 200);
    whole.is_well().await;
}

/// A handler that takes longer than a head may is no slow head.
#[tokio::test]
async fn a_slow_handler_is_no_slow_head() {
    let head_within = Some(Duration::from_millis(100));
    let whole = whole(Settings { head_within, ..Settings::default() }).await;
    let mut waits = whole.connect().await;
    waits.send("GET /wait HTTP/1.0\r\n\r\n").await;
    let mut uploads = whole.connect().await;
    uploads.send("POST /upload HTTP/1.1\r\nhost: t\r\ncontent-length: 4\r\n\r\nab").await;
    let mut silent = whole.connect().await;
    silent.rest().await;
    let mut silent = whole.connect().await;
    silent.rest().await;
    uploads.send("cd").await;
    assert!(uploads.until("\r\n\r\n4").await.starts_with("HTTP/1.1 200"));
    assert_eq!(whole.alive.now(), 1);
    drop(waits);
    whole.is_well().await;
}

/// envoy#17186 (G36): a client that reads nothing for too long held its place for ever. One that reads
/// is never cut, however long it takes.
#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_and_one_that_reads_is_not() {
    let stalled_after = Some(Duration::from_millis(150));
    let whole = whole(Settings { stalled_after, ..Settings::default() }).await;
    let mut reads = whole.connect().await;
    reads.send("GET /endless HTTP/1.1\r\nhost: test\r\n\r\n").await;
    reads.until("xxx").await;
    let mut reads_nothing = whole.connect().await;
    reads_nothing.send("GET /endless HTTP/1.1\r\nhost: test\r\n\r\n").await;
    let nothing_h2 = whole.connect().await;
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(1 << 30).initial_connection_window_size(1 << 30);
    let (mut h2, mut connection) = builder.handshake::<_, Bytes>(nothing_h2.0).await.unwrap();
    let request = Request::get("http://test/endless").body(()).unwrap();
    let (answer, _) = h2.send_request(request, true).unwrap();
    // The request goes out and the head comes in. From then on nobody polls the connection.
    tokio::select! {
        answer = answer => assert_eq!(answer.unwrap().status(), 200),
        ended = &mut connection => panic!("{ended:?}"),
    }
    let mut buffer = vec![0; 65_536];
    in_time(async {
        while whole.limit.snapshot().in_flight > 1 {
            reads.0.read_exact(&mut buffer).await.unwrap();
        }
    })
    .await;
    for _ in 0..32 {
        reads.0.read_exact(&mut buffer).await.unwrap();
    }
    assert!(buffer.contains(&b'x'));
    drop(reads);
    whole.is_well().await;
    drop((reads_nothing, connection));
}

/// G36 over HTTP/2: the connection moves, and one stream does not, as its window is shut.
#[tokio::test]
async fn a_stream_whose_window_stays_shut_is_cut_and_the_connection_lives() {
    let stalled_after = Some(Duration::from_millis(150));
    let whole = whole(Settings { stalled_after, ..Settings::default() }).await;
    let stream = whole.connect().await.0;
    let mut builder = h2::client::Builder::new();
    builder.initial_connection_window_size(1 << 24);
    let (mut h2, connection) = builder.handshake::<_, Bytes>(stream).await.unwrap();
    tokio::spawn(connection);
    let get = |h2: &mut h2::client::SendRequest<Bytes>, path: &str| {
        let request = Request::get(format!("http://test{path}")).body(()).unwrap();
        h2.send_request(request, true).unwrap().0
    };
    let shut = in_time(get(&mut h2, "/endless")).await.unwrap();
    let mut moves = in_time(get(&mut h2, "/endless")).await.unwrap().into_body();
    in_time(async {
        while whole.limit.snapshot().in_flight > 1 {
            let part = moves.data().await.unwrap().unwrap();
            moves.flow_control().release_capacity(part.len()).unwrap();
        }
    })
    .await;
    // What was on its way comes, then the reset.
    let mut shut = shut.into_body();
    let ended = loop {
        match in_time(shut.data()).await.expect("no clean end") {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(ended.is_reset(), "{ended}");
    assert!(moves.data().await.unwrap().is_ok());
    drop(moves);
    whole.is_well().await;
}

#[tokio::test]
async fn an_upgraded_connection_has_no_head_that_could_be_slow() {
    let head_within = Some(Duration::from_millis(100));
    let whole = whole(Settings { head_within, ..Settings::default() }).await;
    let mut client = whole.connect().await;
    let head = "GET /upgrade HTTP/1.1\r\nhost: t\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    client.send(head).await;
    client.until("\r\n\r\n").await;
    client.send("pi").await;
    let mut silent = whole.connect().await;
    silent.rest().await;
    let mut silent = whole.connect().await;
    silent.rest().await;
    client.send("ng").await;
    assert_eq!(client.until("ping").await, "ping");
    whole.is_well().await;
}
