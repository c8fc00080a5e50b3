//! The HTTP example, shut down by a real signal while it has work to do.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    fn start(drain_delay_ms: &str) -> Self {
        let mut path = std::env::current_exe().expect("a test is a file");
        path.pop();
        path.pop();
        path.push("examples/http_shutdown");
        assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
        let mut child = Command::new(path)
            .args(["127.0.0.1:0", drain_delay_ms])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("text");
        let address = line.trim().strip_prefix("listening on ").expect("an address").to_owned();
        Self { child, out, address }
    }

    fn send(&self, path: &str) -> TcpStream {
        self.try_send(path).expect("the listener is open")
    }

    fn try_send(&self, path: &str) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")?;
        Ok(stream)
    }

    /// The status line and headers of the answer to a request of its own.
    fn ask(&self, path: &str) -> String {
        head(&mut BufReader::new(self.send(path)))
    }

    fn terminate(&self) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(status.expect("kill is there").success());
    }

    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.out.read_to_string(&mut said).expect("text");
        (self.child.wait().expect("it ends").code(), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already, unless an assertion failed on the way.
        let _ = self.child.kill();
    }
}

fn head(stream: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).expect("text"), 0, "closed after {head:?}");
    }
    head.to_lowercase()
}

#[test]
fn requests_in_flight_finish_new_ones_are_turned_away_and_nothing_idle_holds_it_up() {
    let server = Server::start("400");
    let mut idle = BufReader::new(server.send("/work"));
    assert!(head(&mut idle).starts_with("http/1.1 200"));
    let mut events = BufReader::new(server.send("/events"));
    assert!(head(&mut events).contains("text/event-stream"));
    let mut in_flight = BufReader::new(server.send("/work?ms=1500"));
    assert!(server.ask("/ready").starts_with("http/1.1 200"));

    server.terminate();
    let signalled = Instant::now();
    // Readiness first, while requests are still served.
    while server.ask("/ready").starts_with("http/1.1 200") {
        assert!(signalled.elapsed() < Duration::from_secs(5));
    }
    if signalled.elapsed() < Duration::from_millis(200) {
        assert!(server.ask("/work").starts_with("http/1.1 200"));
    }
    // Then, while one is still in flight, new ones are refused with a proper answer.
    let refused = loop {
        let answer = server.ask("/work");
        if !answer.starts_with("http/1.1 200") {
            break answer;
        }
        assert!(signalled.elapsed() < Duration::from_secs(5));
    };
    assert!(refused.starts_with("http/1.1 503"), "{refused}");
    assert!(refused.contains("retry-after: 1"), "{refused}");
    assert!(refused.contains("connection: close"), "{refused}");
    assert!(server.ask("/ready").starts_with("http/1.1 503"));

    assert!(head(&mut in_flight).starts_with("http/1.1 200"), "it gets its answer");
    let mut rest = String::new();
    events.read_to_string(&mut rest).expect("the stream ends in order");
    assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
    rest.clear();
    idle.read_to_string(&mut rest).expect("the idle connection is closed in order");

    let (code, said) = server.end();
    assert!(signalled.elapsed() < Duration::from_secs(5), "nothing idle was waited for");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("access log flushed"), "{said}");
    assert!(said.contains("shutdown of 'http' (SIGTERM): clean"), "{said}");
}

#[test]
fn a_client_that_never_sends_its_request_does_not_hold_it_up() {
    let server = Server::start("0");
    let _silent = TcpStream::connect(&server.address).expect("the listener is open");
    assert!(server.ask("/work").starts_with("http/1.1 200"));
    server.terminate();
    let signalled = Instant::now();
    let (code, said) = server.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(signalled.elapsed() < Duration::from_secs(3), "{said}");
}
