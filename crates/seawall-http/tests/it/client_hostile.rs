//! Servers that send what no server should, and a client that ends in time, with an error where there is
//! one, and takes nothing for an answer that is none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seawall::Deadline;
use seawall_http::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server does with each request.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Sends this and leaves the connection open.
    Sends(&'static str),
    /// Sends this and closes it.
    Closes(&'static str),
    /// Sends the first once and the second for as long as anybody reads.
    Floods(&'static str, &'static str),
}

async fn serves(deed: Deed) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(commit(deed, stream, Arc::clone(&seen)));
        }
    });
    (address, requests)
}

async fn commit(deed: Deed, mut stream: TcpStream, seen: Arc<AtomicUsize>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while !head.windows(4).any(|part| part == b"\r\n\r\n") {
            let count = stream.read(&mut buffer).await?;
            if count == 0 {
                return Ok(());
            }
            head.extend_from_slice(&buffer[..count]);
        }
        head.clear();
        seen.fetch_add(1, Ordering::SeqCst);
        match deed {
            Deed::Sends(text) => stream.write_all(text.as_bytes()).await?,
            Deed::Closes(text) => return stream.write_all(text.as_bytes()).await,
            Deed::Floods(first, next) => {
                stream.write_all(first.as_bytes()).await?;
                loop {
                    stream.write_all(next.as_bytes()).await?;
                }
            }
        }
    }
}

fn client() -> Client {
    Client::new("shop").unwrap()
}

/// A GET that has this long; the text of its body.
async fn get(client: &Client, address: SocketAddr, within: Duration) -> Result<String, String> {
    let deadline = Deadline::after(within);
    let call = client.get(format!("http://{address}/")).deadline(deadline).send();
    let answer = tokio::time::timeout(Duration::from_secs(20), call).await.expect("it ends");
    let answer = answer.map_err(|error| error.to_string())?;
    let text = tokio::time::timeout(Duration::from_secs(20), answer.text()).await;
    text.expect("it ends").map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_head_without_an_end_ends_at_the_deadline() {
    for deed in [
        Deed::Sends(""),
        Deed::Sends("HTTP/1.1 200 OK\r\nx-half: "),
        Deed::Floods("", "HTTP/1.1 100 Continue\r\n\r\n"),
        Deed::Floods("", "HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n"),
    ] {
        let (address, _) = serves(deed).await;
        let began = std::time::Instant::now();
        let ended = get(&client(), address, Duration::from_millis(300)).await;
        assert!(ended.is_err(), "{deed:?}: {ended:?}");
        assert!(began.elapsed() < Duration::from_secs(10), "{deed:?}");
    }
}

#[tokio::test]
async fn a_head_that_is_none_is_an_error() {
    for deed in [
        Deed::Floods("HTTP/1.1 200 OK\r\n", "x-more: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
        Deed::Closes("HTTP/1.1 2OO OK\r\n\r\n"),
        Deed::Closes("SSH-2.0-OpenSSH_9.2\r\n"),
        Deed::Closes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc"),
        Deed::Closes("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nabc"),
    ] {
        let (address, requests) = serves(deed).await;
        let ended = get(&client(), address, Duration::from_millis(500)).await;
        assert!(ended.is_err(), "{deed:?}: {ended:?}");
        assert!(requests.load(Ordering::SeqCst) <= 3, "{deed:?}: at most three attempts");
    }
}

#[tokio::test]
async fn a_body_that_breaks_has_no_clean_end() {
    for deed in [
        Deed::Closes("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"),
        Deed::Closes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        // bun#36068 (G25): an end after the last chunk, before the end of the trailers.
        Deed::Closes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"),
        Deed::Sends("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nabc\r\n"),
    ] {
        let (address, requests) = serves(deed).await;
        let ended = get(&client(), address, Duration::from_secs(5)).await;
        assert!(ended.is_err(), "{deed:?}: {ended:?}");
        assert_eq!(requests.load(Ordering::SeqCst), 1, "{deed:?}: once an answer has begun");
    }
}

/// Bytes after an answer are never the answer to the next request.
#[tokio::test]
async fn what_follows_an_answer_is_not_the_next_answer() {
    let smuggled = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad";
    for (first, body) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "ok"),
        ("HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\n", ""),
    ] {
        let text: &'static str = Box::leak(format!("{first}{smuggled}").into_boxed_str());
        let (address, _) = serves(Deed::Sends(text)).await;
        let client = client();
        for _ in 0..5 {
            // The connection with the rest on it may break the next request, which is a GET.
            let ended = get(&client, address, Duration::from_secs(5)).await;
            assert_eq!(ended.as_deref(), Ok(body), "{text:?}");
        }
    }
}

/// An answer whose reader goes away ends its connection, however much there is to come.
#[tokio::test]
async fn an_endless_body_costs_no_more_than_its_reader_takes() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (address, _) = serves(Deed::Floods(head, "10\r\n0123456789abcdef\r\n")).await;
    let client = client();
    for _ in 0..50 {
        let call = client.get(format!("http://{address}/")).send();
        let answer = tokio::time::timeout(Duration::from_secs(20), call).await.expect("it ends");
        drop(answer.unwrap());
    }
}
