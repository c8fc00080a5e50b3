//! Goodput over time, a panel for each stack.

use std::fmt::Write as _;

use super::junit::escaped;
use super::{Report, StackReport};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 46.0;
const PANEL: f64 = 84.0;
const GAP: f64 = 26.0;
const BAND: f64 = 7.0;
const BOTTOM: f64 = 40.0;
/// So much of the time of health is shown.
const BEFORE: f64 = 3.0;

/// Colours come from the page, so that it can be light or dark; without one from here.
const STYLE: &str = "\
.ground{fill:var(--ground,#fff)}.ink{fill:var(--ink,#1b1f24)}.faint{fill:var(--faint,#68707a)}\
.rule{stroke:var(--rule,#d5dae0);stroke-width:1}.fault{fill:var(--fault,#8a93a0);fill-opacity:.22}\
.good{fill:var(--good,#2b6cb0);fill-opacity:.72}.load{fill:var(--load,#e6e9ed)}\
.bound{fill:none;stroke:var(--ink,#1b1f24);stroke-width:1;stroke-dasharray:3 3;opacity:.8}\
.open{fill:var(--open,#9b2c2c)}.half{fill:var(--half,#d69e2e)}\
.shut{fill:var(--shut,#cdd3da)}\
text{font:12px system-ui,sans-serif}.small{font-size:11px}.name{font-weight:600}";

struct Frame {
    from: f64,
    until: f64,
}

impl Frame {
    fn x(&self, at: f64) -> f64 {
        let share = (at - self.from) / (self.until - self.from);
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }
}

impl Report {
    /// What was answered over time under the first seed, a panel for each stack: a picture by itself.
    ///
    /// Grey is what was asked for, the full colour what was answered in time, the dashed line what the
    /// omniscient client answered. Faults are shaded; the band below a panel is its circuit.
    pub fn svg(&self) -> String {
        let frame = self.frame();
        let count = self.stacks.len();
        #[expect(clippy::cast_precision_loss, reason = "a few stacks")]
        let height = TOP + count as f64 * (PANEL + GAP) + BOTTOM;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" \
             aria-label=\"Goodput over time\"><style>{STYLE}</style>\
             <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height:.0}\"/>\n",
        );
        self.faults(&frame, height, &mut svg);
        let bound = self.stack("omniscient");
        let mut top = TOP;
        for stack in &self.stacks {
            panel(stack, bound, &frame, top, &mut svg);
            top += PANEL + GAP;
        }
        axis(&frame, height - BOTTOM, &mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn frame(&self) -> Frame {
        let first = self.faults.iter().map(|fault| fault.from).fold(f64::INFINITY, f64::min);
        let from = if first.is_finite() { (first - BEFORE).max(0.0) } else { 0.0 };
        let end = |stack: &StackReport| {
            #[expect(clippy::cast_precision_loss, reason = "a few thousand slices")]
            let slices = stack.timeline.calls.len() as f64;
            slices * stack.timeline.slice
        };
        let until = self.stacks.iter().map(end).fold(from + 1.0, f64::max);
        Frame { from, until }
    }

    fn faults(&self, frame: &Frame, height: f64, svg: &mut String) {
        for (index, fault) in self.faults.iter().enumerate() {
            let (from, until) = (frame.x(fault.from), frame.x(fault.until));
            let bottom = height - BOTTOM - GAP - 22.0;
            // Names of faults that overlap are in two lines.
            let line = if index % 2 == 0 { 16.0 } else { 29.0 };
            let _ = writeln!(
                svg,
                "<rect class=\"fault\" x=\"{from:.1}\" y=\"34\" width=\"{:.1}\" height=\"{bottom:.1}\"/>\
                 <text class=\"ink small\" x=\"{from:.1}\" y=\"{line}\">{}</text>",
                (until - from).max(1.0),
                escaped(&fault.what),
            );
        }
    }
}

fn panel(
    stack: &StackReport,
    bound: Option<&StackReport>,
    frame: &Frame,
    top: f64,
    svg: &mut String,
) {
    let bottom = top + PANEL;
    let name = escaped(&shortened(&stack.name));
    let loss = stack.runs.first().map_or(0.0, |run| run.loss);
    let _ = writeln!(
        svg,
        "<text class=\"ink name\" x=\"10\" y=\"{:.1}\">{name}</text>\
         <text class=\"faint small\" x=\"10\" y=\"{:.1}\">{loss:.1} s lost</text>",
        top + 14.0,
        top + 30.0,
    );
    for (percent, y) in [(100, top), (50, top + PANEL / 2.0), (0, bottom)] {
        let _ = writeln!(
            svg,
            "<line class=\"rule\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"faint small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{percent} %</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
        );
    }
    let _ = writeln!(
        svg,
        "<rect class=\"load\" x=\"{LEFT}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{PANEL}\" fill-opacity=\".5\"/>\
         <path class=\"good\" d=\"{}L{:.1} {bottom:.1}L{LEFT} {bottom:.1}Z\"/>",
        WIDTH - LEFT - RIGHT,
        line(stack, frame, top),
        frame.x(last(stack)),
    );
    if let Some(bound) = bound.filter(|bound| bound.name != stack.name) {
        let _ = writeln!(svg, "<path class=\"bound\" d=\"{}\"/>", line(bound, frame, top));
    }
    bands(stack, frame, bottom + 3.0, svg);
}

/// What fits to the left of a panel.
fn shortened(name: &str) -> String {
    const FITS: usize = 15;
    match name.char_indices().nth(FITS) {
        Some((end, _)) => format!("{}…", name[..end].trim_end()),
        None => name.to_owned(),
    }
}

/// The end of a stack's last slice.
fn last(stack: &StackReport) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand slices")]
    let slices = stack.timeline.calls.len() as f64;
    slices * stack.timeline.slice
}

/// Goodput as steps, in percent of the calls made.
fn line(stack: &StackReport, frame: &Frame, top: f64) -> String {
    let timeline = &stack.timeline;
    let mut path = String::new();
    let mut at = 0.0;
    for (calls, answered) in timeline.calls.iter().zip(&timeline.answered) {
        let end = at + timeline.slice;
        if end > frame.from {
            let share = if *calls == 0 { 0.0 } else { f64::from(*answered) / f64::from(*calls) };
            let y = top + PANEL * (1.0 - share);
            let command = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{command}{:.1} {y:.1}H{:.1}", frame.x(at), frame.x(end));
        }
        at = end;
    }
    path
}

/// The circuit of the first client.
fn bands(stack: &StackReport, frame: &Frame, top: f64, svg: &mut String) {
    let changes = &stack.timeline.circuit;
    if changes.is_empty() {
        return;
    }
    let mut bar = |from: f64, until: f64, state: &str| {
        let (from, until) = (frame.x(from), frame.x(until));
        let class = match state {
            "closed" => "shut",
            "half-open" => "half",
            _ => "open",
        };
        // Height is a second sign, for readers that can't tell the colours.
        let height = match class {
            "shut" => 2.0,
            "half" => BAND * 0.6,
            _ => BAND,
        };
        if until > from {
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
                (until - from).max(0.4),
            );
        }
    };
    bar(frame.from, changes[0].0, "closed");
    for (index, (at, state)) in changes.iter().enumerate() {
        let until = changes.get(index + 1).map_or(frame.until, |next| next.0);
        bar(*at, until, state);
    }
    svg.push('\n');
}

fn axis(frame: &Frame, y: f64, svg: &mut String) {
    let length = frame.until - frame.from;
    let steps = [1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 3_600.0];
    let step = steps.into_iter().find(|step| length / step <= 12.0).unwrap_or(7_200.0);
    let mut at = (frame.from / step).ceil() * step;
    while at <= frame.until {
        let x = frame.x(at);
        let anchor = if x > WIDTH - RIGHT - 12.0 { "end" } else { "middle" };
        let _ = write!(
            svg,
            "<text class=\"faint small\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{at} s</text>",
        );
        at += step;
    }
    let _ = writeln!(
        svg,
        "\n<text class=\"faint small\" x=\"{LEFT}\" y=\"{:.1}\">calls answered in time, by when they were made · dashed: the \
         omniscient client · band: circuit, tall is open</text>",
        y + 22.0,
    );
}
