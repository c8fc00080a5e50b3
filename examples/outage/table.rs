//! The report as a table for the terminal.

use std::fmt::Write as _;

use crate::measure::Latency;
use crate::report::{ClientReport, Report};

const LABEL: usize = 34;
const COLUMN: usize = 16;

/// The report as a table: one column for each client.
pub fn table(report: &Report) -> String {
    let clients = &report.clients;
    let mut table = Table { text: String::new(), clients };
    table.row("", |client| client.name.to_owned());
    table.row("calls", |client| client.calls.to_string());
    table.row("successes", |client| with_share(client.successes, client.calls));
    table.row("failures", |client| with_share(client.failures, client.calls));
    for cause in causes(clients) {
        table.row(&format!("  {cause}"), |client| or_dash(client.failures_by_cause.get(cause)));
    }
    table.row("refusals", |client| with_share(client.refusals, client.calls));
    for reason in reasons(clients) {
        table.row(&format!("  {reason}"), |client| or_dash(client.refusals_by_reason.get(reason)));
    }
    table.row("attempts sent", |client| client.attempts.to_string());
    table.row("  while nothing could be answered", |client| {
        let (attempts, calls) = client.sent_in_vain(&report.phases);
        with_share(attempts, calls)
    });
    table.row("requests that reached the server", |client| {
        or_dash(client.server.map(|server| server.requests).as_ref())
    });
    table.row("  worked on for nobody", |client| {
        or_dash(client.server.map(|server| server.for_nobody).as_ref())
    });
    table.row("p50 / p99 of successes, ms", |client| latency(client.success_latency));
    table.row("p50 / p99 of failures, ms", |client| latency(client.failure_latency));
    table.row("p50 / p99 of refusals, ms", |client| latency(client.refusal_latency));
    for (index, phase) in report.phases.iter().enumerate() {
        table.row(&format!("goodput in '{}', per s", phase.name), |client| {
            format!("{:.0}", client.phases[index].goodput_per_s)
        });
        if clients.iter().any(|client| client.phases[index].watched_for_s.is_some()) {
            table.row("  back after its end, s", |client| back(client, index));
        }
    }
    table.text + &pipeline(report)
}

/// The pipeline's description and its transitions.
fn pipeline(report: &Report) -> String {
    let mut text = String::from("\nthe seawall client's pipeline\n");
    for line in &report.pipeline.description {
        let _ = writeln!(text, "  {line}");
    }
    let openings = report.pipeline.transitions.iter().filter(|change| change.to == "open").count();
    let _ = writeln!(text, "{openings:>8} × opened");
    for (event, count) in &report.pipeline.events {
        let _ = writeln!(text, "{count:>8} × {event}");
    }
    text
}

struct Table<'a> {
    text: String,
    clients: &'a [ClientReport],
}

impl Table<'_> {
    fn row(&mut self, label: &str, cell: impl Fn(&ClientReport) -> String) {
        let _ = write!(self.text, "{label:LABEL$}");
        for client in self.clients {
            let _ = write!(self.text, "{:>COLUMN$}", cell(client));
        }
        self.text.push('\n');
    }
}

fn causes(clients: &[ClientReport]) -> Vec<&'static str> {
    words(clients.iter().flat_map(|client| client.failures_by_cause.keys().copied()))
}

fn reasons(clients: &[ClientReport]) -> Vec<&'static str> {
    words(clients.iter().flat_map(|client| client.refusals_by_reason.keys().copied()))
}

fn words(words: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut words: Vec<_> = words.collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn with_share(part: u64, whole: u64) -> String {
    match whole {
        0 => "–".to_owned(),
        _ => format!("{part} ({:.1} %)", part as f64 * 100.0 / whole as f64),
    }
}

fn or_dash(count: Option<&u64>) -> String {
    count.map_or("–".to_owned(), u64::to_string)
}

fn latency(latency: Option<Latency>) -> String {
    let number = |ms: f64| match ms {
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms => format!("{ms:.0}"),
    };
    latency.map_or("–".to_owned(), |latency| {
        format!("{} / {}", number(latency.p50_ms), number(latency.p99_ms))
    })
}

fn back(client: &ClientReport, index: usize) -> String {
    let phase = &client.phases[index];
    match (phase.goodput_back_after_s, phase.watched_for_s) {
        (Some(after), _) => format!("{after:.2}"),
        // The next fault came before a second had passed: a recovery can't be seen.
        (None, Some(watched)) if watched < 1.0 => "–".to_owned(),
        (None, Some(watched)) => format!("not in {watched:.1}"),
        (None, None) => String::new(),
    }
}
