//! A real mail server, started for one test, and what it tells of.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use seawall_capture::digest::smtp::{Smtp, SmtpBuilder};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Where the Python is that has `aiosmtpd` and `trustme`.
const PYTHON: &str = "SEAWALL_SMTP_SERVER";

/// How long a server may take to do what it does. It is waited for by what it says.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Server {
    child: Child,
    /// The server ends with it.
    stdin: Option<ChildStdin>,
    events: UnboundedReceiver<Value>,
    port: u16,
    root: String,
}

/// A server with the behaviour `told`; `None`, with a message, where there is none to start.
pub(crate) async fn server(told: Value) -> Option<Server> {
    let Ok(python) = std::env::var(PYTHON) else {
        let text = "NOT TESTED against a mail server: set SEAWALL_SMTP_SERVER to a Python that \
                    has aiosmtpd and trustme\n";
        // Not by a macro: the test harness hides that output.
        let _ = std::io::stderr().write_all(text.as_bytes());
        return None;
    };
    Some(Server::start(&python, &told).await)
}

impl Server {
    async fn start(python: &str, told: &Value) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smtp/server.py");
        let mut child = Command::new(python)
            .args([script, &told.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{PYTHON}={python}: {error}"));
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, events) = unbounded_channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str(&line).unwrap());
            }
        });
        let mut server = Self { child, stdin, events, port: 0, root: String::new() };
        let listens = server.event("listens").await;
        server.port = listens["port"].as_u64().unwrap().try_into().unwrap();
        server.root = listens["root"].as_str().unwrap().into();
        server
    }

    /// Waits until it tells of `name`; what it tells before that is passed over.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let event = self.next().await;
            if event["event"] == name {
                return event;
            }
        }
    }

    async fn next(&mut self) -> Value {
        let next = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        next.expect("it says nothing").expect("it ended")
    }

    /// Its events called `name` so far.
    pub(crate) async fn events(&mut self, name: &str) -> Vec<Value> {
        self.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        let mut events = Vec::new();
        loop {
            let event = self.next().await;
            if event["event"] == "told" {
                return events;
            }
            if event["event"] == name {
                events.push(event);
            }
        }
    }

    /// A mailer that speaks to it in the clear.
    pub(crate) fn plain(&self) -> SmtpBuilder {
        self.mail("127.0.0.1").insecure_plaintext().port(self.port)
    }

    /// A mailer that speaks to it by TLS, and trusts it.
    pub(crate) fn tls(&self) -> SmtpBuilder {
        self.tls_to("localhost")
    }

    /// The same, by another name.
    pub(crate) fn tls_to(&self, host: &str) -> SmtpBuilder {
        self.mail(host).port(self.port).root_certificate(self.root.clone())
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    fn mail(&self, host: &str) -> SmtpBuilder {
        let hour = Duration::from_hours(1);
        Smtp::builder(host)
            .port(self.port)
            .from("Alarms <alarms@example.org>")
            .connect_timeout(hour)
            .command_timeout(hour * 2)
            .message_timeout(hour * 3)
            .total_timeout(hour * 100)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
