//! The outage example under a real Prometheus: its alerts fire in the fault and resolve after it, and
//! every panel of the dashboard has data.
//!
//! All durations of the shipped rules are divided by 60 here, so that five minutes are five seconds;
//! the file itself is proved by `promtool`, in the tests of `seawall-telemetry`.
#![cfg(unix)]

#[path = "../../crates/seawall-telemetry/tests/support/prometheus.rs"]
mod prometheus;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

const ALERTS: &str = include_str!("../../crates/seawall-telemetry/assets/alerts.yml");
const DASHBOARD: &str = include_str!("../../crates/seawall-telemetry/assets/dashboard.json");

/// Seconds: before the fault, with it, and after it.
const PHASES: [f64; 3] = [8.0, 15.0, 17.0];

const SCENARIO: &str = "
calls_per_second = 60
call_timeout_ms = 1000
attempt_timeout_ms = 330
[server]
workers = 6
queue = 600
service_time_ms = 10
";

/// A process of the test's own, which ends with it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that is free now. Whoever takes it in between makes the program say so and end.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// `rules` with sixty times shorter durations.
fn shortened(rules: &str) -> String {
    let mut text = String::new();
    let mut rest = rules;
    while let Some(at) = rest.find('m') {
        let before = rest[..at].trim_end_matches(|c: char| c.is_ascii_digit());
        let after = rest[at + 1..].chars().next();
        let is_duration = before.len() < at
            && before.ends_with(['[', ' ', ':'])
            && !after.is_some_and(char::is_alphanumeric);
        text.push_str(&rest[..at]);
        text.push(if is_duration { 's' } else { 'm' });
        rest = &rest[at + 1..];
    }
    text + rest
}

struct Prometheus {
    port: u16,
    _process: Running,
}

impl Prometheus {
    fn start(programs: &Path, folder: &Path, target: u16) -> Self {
        fs::write(folder.join("alerts.yml"), shortened(ALERTS)).expect("rules");
        let config = format!(
            "global: {{ scrape_interval: 250ms, evaluation_interval: 250ms }}\n\
             rule_files: [ alerts.yml ]\n\
             scrape_configs:\n  - job_name: outage\n    static_configs: [ {{ targets: [ '127.0.0.1:{target}' ] }} ]\n"
        );
        fs::write(folder.join("prometheus.yml"), config).expect("a configuration");
        let port = free_port();
        let process = Command::new(programs.join("prometheus"))
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--log.level=error", "--query.lookback-delta=5s"])
            .stdout(Stdio::null())
            .spawn()
            .expect("Prometheus starts");
        let prometheus = Self { port, _process: Running(process) };
        let asked = Instant::now();
        while prometheus.get("/-/ready").is_none_or(|it| !it.starts_with("HTTP/1.1 200")) {
            assert!(asked.elapsed() < Duration::from_mins(1), "Prometheus is not ready");
            std::thread::yield_now();
        }
        prometheus
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    }

    /// The series of `query` between two times in seconds of the epoch, a point each quarter of a second.
    fn range(&self, query: &str, from: f64, to: f64) -> Vec<Value> {
        let encoded: Vec<_> = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let encoded = encoded.concat();
        let path = format!("/api/v1/query_range?query={encoded}&start={from}&end={to}&step=0.25");
        let answer = self.get(&path).expect("Prometheus answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let start = body.find('{').expect("JSON");
        let end = body.rfind('}').expect("JSON");
        // A long answer comes in chunks, whose sizes stand on lines of their own.
        let text: String = body[start..=end]
            .split("\r\n")
            .filter(|line| line.len() > 8 || line.parse::<u64>().is_err() && !is_hex(line))
            .collect();
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].as_array().expect("a list").clone()
    }
}

fn is_hex(line: &str) -> bool {
    line.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The times at which an alert fires.
fn firing(prometheus: &Prometheus, alert: &str, from: f64, to: f64) -> Vec<f64> {
    let query = format!("ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}");
    let series = prometheus.range(&query, from, to);
    let points = series.iter().flat_map(|it| it["values"].as_array().cloned().unwrap_or_default());
    points.filter_map(|point| point[0].as_f64()).collect()
}

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("observed");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn outage(folder: &Path, port: u16) -> Running {
    let phases = [("healthy", PHASES[0]), ("refused", PHASES[1]), ("healthy", PHASES[2])];
    let phase = |(kind, seconds)| format!("[[phase]]\nkind = \"{kind}\"\nseconds = {seconds}\n");
    let scenario = folder.join("scenario.toml");
    fs::write(&scenario, SCENARIO.to_owned() + &phases.map(phase).concat()).expect("a scenario");
    let mut program = std::env::current_exe().expect("a test is a file");
    program.pop();
    program.pop();
    let process = Command::new(program.join("examples/outage"))
        .args(["--json", "--metrics", &format!("127.0.0.1:{port}")])
        .arg("--scenario")
        .arg(&scenario)
        .arg("--out")
        .arg(folder)
        .stdout(Stdio::null())
        .spawn();
    Running(process.expect("run `cargo build --examples`"))
}

#[test]
fn alerts_fire_in_the_fault_and_resolve_after_it_and_every_panel_has_data() {
    let Some(programs) = prometheus::programs() else { return };
    let folder = folder();
    let port = free_port();
    let prometheus = Prometheus::start(programs, &folder, port);
    let began = now();
    let mut outage = outage(&folder, port);
    assert!(outage.0.wait().expect("it ends").success());
    let ended = now();
    // The start of the program and its drain take time, which is long on a busy machine.
    let fault = began + PHASES[0];
    let over = fault + PHASES[1];
    for alert in ["SeawallCircuitOpen", "SeawallErrorRatio"] {
        let times = firing(&prometheus, alert, began, ended);
        let (first, last) = (times.first(), times.last());
        assert!(
            first.is_some_and(|it| *it > fault && *it < over + 5.0),
            "{alert}: {times:?}, {fault}"
        );
        assert!(
            last.is_some_and(|it| *it < ended - 2.0),
            "{alert} does not resolve: {times:?}, {ended}"
        );
    }
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    for panel in dashboard["panels"].as_array().expect("panels") {
        let targets = panel["targets"].as_array().expect("targets");
        let series = targets.iter().map(|target| {
            let query = target["expr"].as_str().expect("a query");
            let query = query.replace("$__rate_interval", "5s").replace("$pipeline", ".*");
            let series = prometheus.range(&query, began, ended);
            series.iter().filter(|it| has_numbers(it)).count()
        });
        let series: Vec<_> = series.collect();
        println!("{}: {series:?}", panel["title"]);
        assert!(series.iter().any(|it| *it > 0), "no data: {panel}");
    }
}

fn has_numbers(series: &Value) -> bool {
    let points = series["values"].as_array();
    points.is_some_and(|it| it.iter().any(|point| point[1].as_str().is_some_and(|it| it != "NaN")))
}

#[test]
fn durations_are_shortened_and_nothing_else() {
    let rules = "expr: rate(seawall_m[5m]) [5m:1m]\nfor: 10m\ntext: 5 minutes, 5m.";
    let short = shortened(rules);
    assert_eq!(short, "expr: rate(seawall_m[5s]) [5s:1s]\nfor: 10s\ntext: 5 minutes, 5s.");
}
