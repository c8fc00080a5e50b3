//! The client against a server of HTTP/2 that misbehaves frame by frame, written in Python.

use std::process::Stdio;
use std::time::Duration;

use http::Method;
use seawall_http::Client;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::python;

struct Peer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Peer {
    /// `None` where there is no Python for it.
    async fn start(deed: &str) -> Option<Self> {
        let python = python::python()?;
        let mut child = Command::new(python)
            .args([&python::script("server_frames.py"), deed])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap().expect("it has hyperframe").parse().unwrap();
        Some(Self { child, lines, port })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// The connections of all requests that came.
    async fn requests(mut self) -> Vec<String> {
        self.child.kill().await.unwrap();
        let mut all = Vec::new();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            all.push(line);
        }
        all
    }
}

fn client() -> Client {
    let http = reqwest::Client::builder().http2_prior_knowledge().retry(reqwest::retry::never());
    let client = Client::builder("shop").http(http.build().unwrap());
    client.pipeline(|standard| standard.timeout(Duration::from_secs(3))).build().unwrap()
}

/// nginx#1724, HTTP.jl#1294: a request above the last stream of a GOAWAY was given up.
#[tokio::test]
async fn a_request_that_the_server_went_away_from_is_sent_again_whatever_its_method() {
    for method in [Method::GET, Method::POST] {
        let Some(peer) = Peer::start("goes-away").await else { return };
        let answer = client().request(method, peer.url()).body("order").send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "answer");
        assert_eq!(peer.requests().await, ["0", "1"]);
    }
}

/// pingora#979: an answer that is no HTTP/2 led to a second POST.
#[tokio::test]
async fn a_post_is_not_sent_again_after_an_answer_that_is_no_http2() {
    for (method, requests) in [(Method::GET, &["0", "1"][..]), (Method::POST, &["0"])] {
        let Some(peer) = Peer::start("breaks").await else { return };
        let outcome = client().request(method, peer.url()).body("order").send().await;
        assert_eq!(outcome.is_ok(), requests.len() == 2, "{outcome:?}");
        assert_eq!(peer.requests().await, requests);
    }
}
