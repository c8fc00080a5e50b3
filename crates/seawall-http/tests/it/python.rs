//! Peers in Python: `h11`, which is strict, and `hyperframe`, which sends whatever frame it should not.

use std::io::Write;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::process::Command;

use crate::served::in_time;

/// Where the Python is that has `h11`, `hpack` and `hyperframe`.
const PYTHON: &str = "SEAWALL_HTTP_PEERS";

/// The Python; `None`, with a message, where there is no such one.
pub(crate) fn python() -> Option<String> {
    let python = std::env::var(PYTHON).ok();
    if python.is_none() {
        let text = "NOT TESTED against peers in Python: set SEAWALL_HTTP_PEERS to a Python that has \
                    h11, hpack and hyperframe\n";
        // Not by a macro: the test harness hides that output.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    python
}

/// Where a script of `tests/peers` is.
pub(crate) fn script(name: &str) -> String {
    format!("{}/tests/peers/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs a script of `tests/peers` against the server at `address`, and returns the lines of JSON that it
/// writes; `None` where there is no Python for it.
pub(crate) async fn run(script: &str, address: SocketAddr, deed: &str) -> Option<Vec<Value>> {
    let python = python()?;
    let script = self::script(script);
    let port = address.port().to_string();
    let output = Command::new(python).args([&script, &port, deed]).output();
    let output = in_time(output).await.expect("the Python starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} {deed}: {errors}");
    let lines = String::from_utf8(output.stdout).expect("JSON");
    Some(lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}
