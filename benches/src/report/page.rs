//! The page as Markdown.

use super::{Case, Figures, Measured, Subject, library, line, machine, sizes, throughput};

/// What each group is, in the order of the page.
const GROUPS: [(&str, &str); 36] = [
    ("floor", "Floors: what everything is made of"),
    ("core/ready", "The vocabulary alone: an operation without any policy"),
    ("breaker/closed", "Breaker closed, success"),
    ("breaker/permit", "Breaker closed, a permit taken and settled"),
    ("breaker/mixed", "Breaker closed, one call of ten fails"),
    ("breaker/open", "Breaker open, refused"),
    ("breaker/time-window", "Breaker, time window of 10 s, 1,000 calls in it"),
    ("breaker/time-window-10k", "Breaker, time window, 10,000 calls in it"),
    ("retry/first", "Retry, success at the first attempt"),
    ("retry/third", "Retry, success at the third attempt, zero delay"),
    ("budget/take-and-give", "Retry budget, token taken and given back"),
    ("budget/call", "Retry budget, a call counted in and out"),
    ("hedge/ready", "Hedge, primary ready"),
    ("timeout/ready", "Timeout around a ready future"),
    ("timeout/yields", "Timeout around a future that yields once"),
    ("panic/ready", "Panic guard, ready"),
    ("panic/panics", "Panic guard, panics"),
    ("panic/http", "Panic guard around an HTTP service (tower-http guards nothing else)"),
    ("fallback/not-used", "Fallback not used"),
    ("fallback/used", "Fallback used"),
    ("shutdown/in-flight", "A request in flight, entered and left"),
    ("shutdown/task-life", "Life of a tracked task"),
    ("shutdown/100k-tasks", "100,000 tasks spawned, cancelled, joined; per task"),
    ("pipeline/retry+breaker/ready", "Pipeline retry + breaker, ready"),
    ("pipeline/retry+breaker/yields", "Pipeline retry + breaker, the operation yields once"),
    (
        "pipeline/full/ready",
        "Pipeline timeout + retry + breaker + attempt timeout + panic guard, ready",
    ),
    ("pipeline/full/yields", "The same, the operation yields once"),
    ("capture/repeat", "Capture, a repeat of a known group"),
    ("capture/new-group", "Capture, a new group"),
    ("bulkhead/acquire+release", "Bulkhead, acquire and release"),
    ("bulkhead/refused", "Bulkhead, refused"),
    ("rate/admitted", "Rate limit, admitted"),
    ("rate/call", "Rate limit around a call"),
    ("rate/refused", "Rate limit, refused"),
    ("adaptive/call", "Adaptive concurrency limit, success"),
    ("throttle/call", "Client-side throttle, success"),
];

/// The packages whose versions the page names.
const PACKAGES: [&str; 30] = [
    "backoff",
    "backon",
    "circuitbreaker-rs",
    "do-over",
    "drain",
    "failsafe",
    "futures-util",
    "governor",
    "leaky-bucket",
    "nobreak",
    "parking_lot",
    "recloser",
    "resilient",
    "rskit-resilience",
    "seatbelt",
    "tokio",
    "tokio-graceful",
    "tokio-graceful-shutdown",
    "tokio-retry",
    "tokio-retry2",
    "tokio-util",
    "tower",
    "tower-http",
    "tower-resilience-bulkhead",
    "tower-resilience-circuitbreaker",
    "tower-resilience-fallback",
    "tower-resilience-hedge",
    "tower-resilience-ratelimiter",
    "tower-resilience-retry",
    "tower-resilience-timelimiter",
];

/// The libraries that the overview compares.
const COLUMNS: [&str; 9] = [
    "seawall",
    "seatbelt",
    "tower-resilience",
    "tower",
    "do-over",
    "rskit",
    "resilient",
    "recloser",
    "failsafe",
];

pub(super) fn page(measured: &Measured, lock: &str) -> String {
    let mut page = String::new();
    head(&mut page, lock);
    overview(&mut page, measured);
    line(&mut page, "## Case by case\n");
    for (group, title) in GROUPS {
        table(&mut page, group, title, measured);
    }
    for group in unlisted(measured) {
        table(&mut page, group, group, measured);
    }
    bytes(&mut page, measured);
    threads(&mut page, measured);
    line(&mut page, include_str!("../../notes.md").trim_end());
    page
}

/// Groups without a title.
fn unlisted(measured: &Measured) -> Vec<&'static str> {
    let mut groups: Vec<&'static str> = measured.cases.iter().map(|(case, _)| case.group).collect();
    groups.retain(|group| GROUPS.iter().all(|(listed, _)| listed != group));
    groups.dedup();
    groups
}

fn head(page: &mut String, lock: &str) {
    line(page, "# Benchmarks\n");
    line(
        page,
        "Written by `cargo run --release -p seawall-benches --features criterion,peers -- report`;",
    );
    line(page, "run it yourself. Do not edit it by hand: the prose is in `benches/notes.md`.\n");
    line(page, format!("- Date: {}; commit {}", machine::date(), machine::commit()));
    line(page, format!("- Machine: {}", machine::machine()));
    line(page, format!("- Tools: {}; opt-level 3, no link-time optimisation", machine::tools()));
    let versions: Vec<String> = PACKAGES
        .iter()
        .filter_map(|name| Some(format!("{name} {}", machine::version(lock, name)?)))
        .collect();
    line(page, format!("- Versions: {}\n", versions.join(", ")));
    line(page, include_str!("../../method.md").trim_end());
    line(page, "");
}

fn overview(page: &mut String, measured: &Measured) {
    line(page, "## Overview: instructions per call\n");
    line(page, format!("| | {} | floor |", COLUMNS.join(" | ")));
    line(page, format!("|---|{}", "---:|".repeat(COLUMNS.len() + 1)));
    for (group, title) in GROUPS.iter().skip(2) {
        let of = |wanted: &dyn Fn(Subject) -> bool| {
            let figures = measured.cases.iter().filter(|(case, _)| case.group == *group);
            let wanted = figures.filter(|(case, _)| wanted(case.subject));
            wanted.filter_map(|(_, figures)| figures.instructions).min_by(f64::total_cmp)
        };
        let cells: Vec<String> = COLUMNS
            .iter()
            .map(|column| {
                integer(of(&|subject| {
                    !matches!(subject, Subject::Floor(_)) && library(subject) == *column
                }))
            })
            .collect();
        let floor = integer(of(&|subject| matches!(subject, Subject::Floor(_))));
        line(page, format!("| {title} | {} | {floor} |", cells.join(" | ")));
    }
    line(
        page,
        "\n\"–\": it has no such thing, or it could not be measured. Where a library has several variants, its cheapest.\n",
    );
}

fn table(page: &mut String, group: &str, title: &str, measured: &Measured) {
    let mut rows: Vec<&(Case, Figures)> =
        measured.cases.iter().filter(|(case, _)| case.group == group).collect();
    if rows.is_empty() {
        return;
    }
    if group != "floor" {
        let key = |figures: &Figures| figures.instructions.unwrap_or(f64::MAX);
        rows.sort_by(|a, b| key(&a.1).total_cmp(&key(&b.1)));
    }
    let base = base(group, measured);
    line(page, format!("### {title}\n"));
    line(page, "| | instructions | ns | × floor | allocations | bytes |");
    line(page, "|---|---:|---:|---:|---:|---:|");
    for (case, figures) in rows {
        let subject = match case.subject {
            Subject::Ours(_) => format!("**{}**", case.subject),
            Subject::Floor(_) => format!("*{}*", case.subject),
            Subject::Peer(_) => case.subject.to_string(),
        };
        let ratio = figures.nanoseconds.zip(base).map(|(ns, base)| ns / base);
        let (count, bytes) = figures.allocated.unzip();
        line(
            page,
            format!(
                "| {subject} | {} | {} | {} | {} | {} |",
                integer(figures.instructions),
                decimal(figures.nanoseconds),
                decimal(ratio),
                decimal(count),
                integer(bytes)
            ),
        );
    }
    line(page, "");
}

/// The wall time of the floor that a group stands on.
fn base(group: &str, measured: &Measured) -> Option<f64> {
    let waits = group.ends_with("yields") || group.starts_with("shutdown/task");
    let name = if waits { "floor/yield-once" } else { "floor/ready" };
    let floor = measured.cases.iter().find(|(case, _)| case.name() == name)?;
    floor.1.nanoseconds
}

fn bytes(page: &mut String, measured: &Measured) {
    line(page, "## Bytes\n");
    line(
        page,
        format!(
            "The future of one call, around an operation whose own future takes {} bytes:\n",
            sizes::OPERATION
        ),
    );
    line(page, "| | | bytes |\n|---|---|---:|");
    for size in &measured.futures {
        line(page, format!("| {} | {} | {} |", size.what, size.subject, size.bytes));
    }
    line(page, "\nOne instance, heap and inline:\n");
    line(page, "| | | bytes |\n|---|---|---:|");
    for (what, subject, bytes) in &measured.instances {
        line(page, format!("| {what} | {subject} | {bytes} |"));
    }
    line(page, "");
}

fn threads(page: &mut String, measured: &Measured) {
    line(page, "## Threads\n");
    line(page, "Million calls per second of one shared object, all threads together.\n");
    let heads = throughput::THREADS.map(|n| format!("{n}"));
    line(page, format!("| | | {} |", heads.join(" | ")));
    line(page, format!("|---|---|{}", "---:|".repeat(heads.len())));
    for (shared, rates) in &measured.threads {
        let cells: Vec<String> = rates.iter().map(|rate| decimal(Some(*rate))).collect();
        line(page, format!("| {} | {} | {} |", shared.group, shared.subject, cells.join(" | ")));
    }
    line(page, "\n![One breaker, many threads](benchmarks/threads.svg)\n");
    line(page, "## Growth\n");
    line(page, "![Calls in the window](benchmarks/window.svg)\n");
    line(page, "![Number of breakers](benchmarks/breakers.svg)\n");
    line(page, "![Number of layers](benchmarks/layers.svg)\n");
}

fn integer(value: Option<f64>) -> String {
    let Some(value) = value else { return "–".into() };
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digit != '-' {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn decimal(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(value) if value >= 100.0 => integer(Some(value)),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => {
            let text = format!("{value:.2}");
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        }
    }
}
