//! The service example, tested over the wire for the promises of its first page.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start() -> Self {
        let mut path = std::env::current_exe().expect("a test is a file");
        path.pop();
        path.pop();
        path.push("examples/http_service");
        assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
        let mut child = Command::new(path)
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
            .expect("it says where it listens");
        // Read to the end, so that the program never waits for its reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, address }
    }

    fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\r\n")
            .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in text");
        answer
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_caller_gets_the_outcome_of_its_request() {
    let service = Service::start();
    let price = service.get("/prices/tea", "x-caller: ann\r\n");
    assert!(price.starts_with("HTTP/1.1 200") && price.ends_with("1.20\n"), "{price}");
    let none = service.get("/prices/none", "x-caller: ann\r\n");
    assert!(none.starts_with("HTTP/1.1 404"), "{none}");
    let late = service.get("/prices/slow", "x-caller: ann\r\ngrpc-timeout: 5m\r\n");
    assert!(late.starts_with("HTTP/1.1 504") && late.contains("timed_out"), "{late}");
    let unread = service.get("/prices/tea", "x-caller: ann\r\ngrpc-timeout: soon\r\n");
    assert!(unread.starts_with("HTTP/1.1 400"), "{unread}");

    let greedy: Vec<_> =
        (0..20).map(|_| service.get("/prices/none", "x-caller: bob\r\n")).collect();
    let refused = greedy.last().expect("twenty");
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(refused.contains("retry-after: "), "{refused}");

    let metrics = service.get("/metrics", "");
    let retried =
        r#"seawall_events_total{name="prices",kind="congestion control",what="retrying"}"#;
    assert!(metrics.contains(retried), "{metrics}");
}

/// Code lines between the marks: what is neither a handler nor the upstream's own data. There were 129
/// before a classifier saw outcomes and `seawall-http` answered for refusals.
#[test]
fn the_glue_is_half_of_what_it_was() {
    let source = include_str!("../http_service.rs");
    let (_, rest) = source.split_once("// glue\n").expect("it begins");
    let (glue, _) = rest.split_once("// end of glue").expect("it ends");
    let code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let lines = glue.lines().filter(code).count();
    assert!(lines <= 64, "{lines} lines");
}
