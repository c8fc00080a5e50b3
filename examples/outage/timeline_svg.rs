//! The report as a picture: the outcomes of each client's calls over time, and the circuit's states.
//!
//! One panel for each client, all on one axis of time. The height of a panel is the load: whatever is not
//! green in it is a call without an answer. Works on a light and on a dark background.

use std::fmt::Write as _;

use crate::report::{ClientReport, PhaseReport, Report, SLICE};

const WIDTH: f64 = 1200.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 1010.0;
const TOP: f64 = 132.0;
const PANEL: f64 = 118.0;
const GAP: f64 = 26.0;
const BAND: f64 = 20.0;
/// The approximate width of a character of the labels, to see what fits.
const CHARACTER: f64 = 6.4;

const STYLE: &str = include_str!("timeline.css");

/// The picture of `report`.
pub fn timeline(report: &Report) -> String {
    let mut picture = Picture::new(report);
    picture.head();
    picture.phases();
    for (row, client) in report.clients.iter().enumerate() {
        picture.panel(row, client);
    }
    picture.breaker();
    picture.axis();
    picture.finish()
}

struct Picture<'a> {
    report: &'a Report,
    svg: String,
    /// Where the circuit's band begins.
    band: f64,
}

impl<'a> Picture<'a> {
    fn new(report: &'a Report) -> Self {
        let rows = report.clients.len() as f64;
        let bottom = TOP + rows * (PANEL + GAP) - GAP;
        Self { report, svg: String::new(), band: bottom + 12.0 }
    }

    fn height(&self) -> f64 {
        self.band + BAND + 62.0
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (seconds / self.report.seconds.max(0.001)).clamp(0.0, 1.0)
    }

    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let text = escape(text);
        let _ = writeln!(self.svg, r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{text}</text>"#);
    }

    /// A rectangle from `x` to `to`, with a tooltip.
    fn rect(&mut self, class: &str, (x, to): (f64, f64), (y, height): (f64, f64), title: &str) {
        let width = (to - x).max(0.0);
        let shape = format!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}""#
        );
        let _ = match title {
            "" => writeln!(self.svg, "{shape}/>"),
            title => writeln!(self.svg, "{shape}><title>{}</title></rect>", escape(title)),
        };
    }

    fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let _ = writeln!(
            self.svg,
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        );
    }

    fn head(&mut self) {
        let clients = &self.report.clients;
        let share =
            |client: &ClientReport| format!("{:.0} % {}", client.share() * 100.0, client.name);
        let shares: Vec<_> = clients.iter().map(share).collect();
        let (rate, seconds) = (self.report.calls_per_second, self.report.seconds);
        let faults = self.report.phases.iter().filter(|phase| is_fault(phase)).count();
        self.text("title", LEFT, 40.0, "One outage, three clients");
        let load = format!(
            "{rate} calls a second each, {seconds:.0} s, {faults} faults. Calls that got their answer: {}.",
            shares.join(", ")
        );
        self.text("subtitle", LEFT, 62.0, &load);
        self.legend(LEFT, 78.0);
    }

    fn legend(&mut self, mut x: f64, y: f64) {
        let calls = [("success", "answered"), ("failure", "failed"), ("refusal", "refused")];
        let states = [
            ("closed", "closed"),
            ("open", "open"),
            ("half-open", "half-open"),
            ("ramping", "ramping"),
        ];
        let seen = |state: &str| {
            state == "closed"
                || self.report.pipeline.transitions.iter().any(|change| change.to == state)
        };
        let states: Vec<_> = states.into_iter().filter(|&(state, _)| seen(state)).collect();
        for (heading, entries) in [("calls", &calls[..]), ("circuit", &states[..])] {
            self.text("axis strong", x, y + 10.0, heading);
            x += heading.len() as f64 * CHARACTER + 14.0;
            for &(class, label) in entries {
                self.rect(class, (x, x + 12.0), (y, 12.0), "");
                self.text("axis", x + 18.0, y + 10.0, label);
                x += 18.0 + label.len() as f64 * CHARACTER + 18.0;
            }
            x += 20.0;
        }
    }

    fn phases(&mut self) {
        let bottom = self.band + BAND;
        for phase in &self.report.phases {
            let (from, to) = (self.x(phase.begin_s), self.x(phase.end_s));
            let tip = format!("{}: {} s to {} s", phase.name, phase.begin_s, phase.end_s);
            let class = if is_fault(phase) { "fault" } else { "phase" };
            self.rect(class, (from, to), (TOP - 26.0, bottom - TOP + 26.0), &tip);
            self.line("edge", (from, TOP - 26.0), (from, bottom));
            if phase.name.chars().count() as f64 * CHARACTER < to - from - 4.0 {
                let class = if is_fault(phase) { "label strong" } else { "label" };
                self.text(class, f64::midpoint(from, to), TOP - 13.0, &phase.name);
            }
        }
        self.line("edge", (RIGHT, TOP - 26.0), (RIGHT, bottom));
    }

    fn panel(&mut self, row: usize, client: &ClientReport) {
        let top = TOP + row as f64 * (PANEL + GAP);
        self.bars(top, client);
        self.line("grid", (LEFT, top), (RIGHT, top));
        self.line("grid", (LEFT, top + PANEL / 2.0), (RIGHT, top + PANEL / 2.0));
        self.line("base", (LEFT, top + PANEL), (RIGHT, top + PANEL));
        let rate = f64::from(self.report.calls_per_second);
        for (share, y) in [(1.0, top + 4.0), (0.5, top + PANEL / 2.0 + 4.0), (0.0, top + PANEL)] {
            self.text("axis end", LEFT - 8.0, y, &format!("{:.0}", rate * share));
        }
        if row == 0 {
            self.text("axis end", LEFT - 8.0, top - 13.0, "calls/s");
        }
        self.returns(top, client);
        self.summary(top, client);
    }

    /// The outcomes of the calls of each slice of time, stacked up to the load.
    fn bars(&mut self, top: f64, client: &ClientReport) {
        let full = f64::from(self.report.calls_per_second) * SLICE.as_secs_f64();
        let mut paths = [String::new(), String::new(), String::new()];
        for slice in &client.timeline {
            let from = self.x(slice.at_s);
            let to = self.x(slice.at_s + SLICE.as_secs_f64());
            let counts = [slice.successes, slice.refusals, slice.failures];
            // The last slice may be shorter, and a slice may hold one call more than its share.
            let calls: u64 = counts.iter().sum();
            let scale = PANEL / full.max(calls as f64);
            let mut y = top + PANEL;
            for (path, count) in paths.iter_mut().zip(counts) {
                let height = count as f64 * scale;
                if count > 0 {
                    let _ = write!(path, "M{from:.1} {y:.1}V{:.1}H{to:.1}V{y:.1}Z", y - height);
                }
                y -= height;
            }
        }
        for (class, path) in ["success", "refusal", "failure"].iter().zip(paths) {
            let _ = writeln!(self.svg, r#"<path class="{class}" d="{path}"/>"#);
        }
    }

    /// How long goodput took to recover, at the end of each fault.
    fn returns(&mut self, top: f64, client: &ClientReport) {
        for (phase, counts) in self.report.phases.iter().zip(&client.phases) {
            let Some(watched) = counts.watched_for_s.filter(|&watched| watched >= 1.0) else {
                continue;
            };
            let from = self.x(phase.end_s);
            let (words, class) = match counts.goodput_back_after_s {
                Some(after) if after < 0.05 => ("back at once".to_owned(), "note"),
                Some(after) => (format!("back in {after:.1} s"), "note"),
                None => (format!("still down after {watched:.0} s"), "note bad"),
            };
            let until = self.x(phase.end_s + counts.goodput_back_after_s.unwrap_or(watched));
            self.line("bracket", (from, top - 4.0), (until.max(from + 1.0), top - 4.0));
            self.line("bracket", (from, top - 7.0), (from, top - 1.0));
            self.line(
                "bracket",
                (until.max(from + 1.0), top - 7.0),
                (until.max(from + 1.0), top - 1.0),
            );
            self.text(class, from + 5.0, top + 15.0, &words);
        }
    }

    /// The client in three lines, next to its panel.
    fn summary(&mut self, top: f64, client: &ClientReport) {
        let x = RIGHT + 20.0;
        self.text("name", x, top + 18.0, client.name);
        self.text("figure", x, top + 50.0, &format!("{:.1} %", client.share() * 100.0));
        self.text(
            "axis",
            x,
            top + 70.0,
            &format!("{} of {} answered", client.successes, client.calls),
        );
        self.text("axis", x, top + 88.0, &format!("{} attempts sent", client.attempts));
        if let Some(failure) = client.failure_latency {
            let words = format!("failures: {:.0} ms (p50)", failure.p50_ms);
            self.text("axis", x, top + 106.0, &words);
        }
    }

    /// The circuit's states, as bands.
    fn breaker(&mut self) {
        let (y, end) = (self.band, self.report.seconds);
        self.text("axis end", LEFT - 8.0, y + 14.0, "circuit");
        let changes = &self.report.pipeline.transitions;
        let mut state = ("closed", 0.0, "closed from the start".to_owned());
        for change in changes {
            self.rect(state.0, (self.x(state.1), self.x(change.at_s)), (y, BAND), &state.2);
            state =
                (class_of(change.to), change.at_s, format!("{} s: {}", change.at_s, change.reason));
        }
        self.rect(state.0, (self.x(state.1), self.x(end)), (y, BAND), &state.2);
        let opened = changes.iter().filter(|change| change.to == "open").count();
        let words = match opened {
            0 => "never opened".to_owned(),
            1 => "opened once".to_owned(),
            times => format!("opened {times} times"),
        };
        self.text("axis", RIGHT + 20.0, y + 14.0, &words);
    }

    fn axis(&mut self) {
        let (y, seconds) = (self.band + BAND, self.report.seconds);
        let step = [1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0]
            .into_iter()
            .find(|step| seconds / step <= 16.0)
            .unwrap_or(300.0);
        for tick in (0..).map(|number| f64::from(number) * step).take_while(|&tick| tick <= seconds)
        {
            let x = self.x(tick);
            self.line("base", (x, y), (x, y + 5.0));
            self.text("label axis", x, y + 19.0, &format!("{tick:.0} s"));
        }
        let words = "Each call counts at the moment when it was made. Point at a phase or a state to read more.";
        self.text("axis", LEFT, y + 44.0, words);
    }

    fn finish(self) -> String {
        let (height, svg) = (self.height(), &self.svg);
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="Goodput of three clients over time">
<style>{STYLE}</style>
<rect class="paper" width="{WIDTH}" height="{height}"/>
{svg}</svg>
"#
        )
    }
}

fn is_fault(phase: &PhaseReport) -> bool {
    !matches!(phase.kind, "healthy" | "unknown")
}

/// The class of a state that may have a name of two words.
fn class_of(state: &'static str) -> &'static str {
    match state {
        "closed" | "open" | "half-open" | "ramping" => state,
        _ => "operator",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Books, Outcome, Settled};
    use crate::report::PipelineReport;
    use crate::scenario::{Fault, Phase};
    use crate::table::table;
    use std::time::Duration;

    fn report(seconds: f64, phases: &[Phase], books: &Books) -> Report {
        Report {
            complete: false,
            ended_by: String::new(),
            seed: 1,
            target: None,
            seconds,
            calls_per_second: 10,
            call_timeout_ms: 1_000.0,
            attempt_timeout_ms: 330.0,
            late_ms: 0.0,
            phases: phases.iter().map(PhaseReport::new).collect(),
            clients: vec![ClientReport::new("bare", books, None, phases)],
            pipeline: PipelineReport::default(),
        }
    }

    #[test]
    fn a_run_that_was_ended_before_it_began_has_a_picture_and_a_table() {
        let report = report(0.0, &[], &Books::default());
        let picture = timeline(&report);
        assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
        assert!(!table(&report).contains("NaN"));
    }

    #[test]
    fn names_of_phases_cannot_break_the_picture() {
        let name = "</svg><script>\"&".to_owned();
        let (begin, end) = (Duration::ZERO, Duration::from_secs(1));
        let phases = [Phase { name, fault: Fault::Refused, begin, end }];
        let failed =
            Settled { made: begin, latency: begin, outcome: Outcome::Failure("connection lost") };
        let books =
            Books { opened: vec![1], attempts: vec![1], settled: vec![failed], ..Books::default() };
        let picture = timeline(&report(1.0, &phases, &books));
        assert!(picture.contains("&lt;/svg&gt;&lt;script&gt;&quot;&amp;"), "{picture}");
        assert_eq!(picture.matches("</svg>").count(), 1);
        assert!(picture.contains(r#"<path class="failure" d="M"#));
        assert!(picture.contains(r#"<path class="success" d=""/>"#));
    }
}
