//! The distribution over worlds as a picture.

use std::fmt::Write as _;

use super::RandomReport;
use crate::chance::ln;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 40.0;
const PANEL: f64 = 210.0;
const GAP: f64 = 76.0;
/// The axis of losses, in seconds: everything below the first is at it.
const LOSSES: [f64; 4] = [0.1, 1.0, 10.0, 100.0];
/// The axis of what is gained over no protection, on both sides of nothing, in seconds.
const GAINS: [f64; 3] = [0.3, 3.0, 30.0];

/// A line of each stack: its colour is a second sign, its dashes the first.
const LINES: [(&str, &str); 6] = [
    ("#68707a", "1 3"),
    ("#9b2c2c", "6 4"),
    ("#2b6cb0", ""),
    ("#2f855a", "10 3"),
    ("#b7791f", "6 2 1 2"),
    ("#6b46c1", "3 3"),
];

const STYLE: &str = "\
.ground{fill:var(--ground,#fff)}.ink{fill:var(--ink,#1b1f24)}.faint{fill:var(--faint,#68707a)}\
.rule{stroke:var(--rule,#d5dae0);stroke-width:1}.zero{stroke:var(--ink,#1b1f24);stroke-width:1}\
.line{fill:none;stroke-width:2}.bound{stroke:var(--ink,#1b1f24)}\
text{font:12px system-ui,sans-serif}.small{font-size:11px}.name{font-weight:600}";

impl RandomReport {
    /// The distribution over worlds: above, in what share of them a stack loses at most so much;
    /// below, what it gains over no protection in each, sorted from the worst to the best.
    pub fn svg(&self) -> String {
        let height = TOP + 2.0 * PANEL + GAP + 40.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" \
             aria-label=\"Losses over random worlds\"><style>{STYLE}</style>\
             <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height:.0}\"/>\n",
        );
        self.losses(TOP, &mut svg);
        self.gained(TOP + PANEL + GAP, &mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn losses(&self, top: f64, svg: &mut String) {
        title(top, "Worlds in which a stack loses at most so many seconds of load", svg);
        let [least, .., most] = LOSSES;
        let x = |loss: f64| {
            let share = ln(loss.max(least) / least) / ln(most / least);
            LEFT + share.min(1.0) * (WIDTH - LEFT - RIGHT)
        };
        let bottom = top + PANEL;
        for loss in LOSSES {
            vertical(x(loss), top, &format!("{loss} s"), svg);
        }
        for percent in [0, 25, 50, 75, 100] {
            let y = bottom - PANEL * f64::from(percent) / 100.0;
            horizontal(y, &format!("{percent} %"), "rule", svg);
        }
        for (index, name) in self.stacks.iter().enumerate() {
            let mut losses: Vec<_> =
                self.places.iter().map(|place| place.cells[index].loss).collect();
            losses.sort_by(f64::total_cmp);
            let mut path = String::new();
            for (rank, loss) in losses.iter().enumerate() {
                let y = bottom - PANEL * share(rank + 1, losses.len());
                let command = if rank == 0 { 'M' } else { 'L' };
                let _ = write!(path, "{command}{:.1} {y:.1}", x(*loss));
            }
            line(&path, index, name, svg);
            key(top, index, name, svg);
        }
    }

    fn gained(&self, top: f64, svg: &mut String) {
        title(
            top,
            "Seconds of load gained over no protection, worlds from the worst to the best",
            svg,
        );
        let [least, .., most] = GAINS;
        // Linear up to the least, logarithmic beyond.
        let height = |gain: f64| {
            let size = (gain.abs() / least).min(1.0) * 0.15
                + (ln((gain.abs() / least).max(1.0)) / ln(most / least)).min(1.0) * 0.85;
            size.copysign(gain)
        };
        let y = |gain: f64| top + PANEL / 2.0 * (1.0 - height(gain));
        for gain in GAINS {
            horizontal(y(gain), &format!("{gain} s"), "rule", svg);
            horizontal(y(-gain), &format!("−{gain} s"), "rule", svg);
        }
        horizontal(y(0.0), "0", "zero", svg);
        let x = |share: f64| LEFT + share * (WIDTH - LEFT - RIGHT);
        for percent in [0_u32, 25, 50, 75, 100] {
            vertical(x(f64::from(percent) / 100.0), top, &format!("{percent} %"), svg);
        }
        let Some(none) = self.index("none") else { return };
        for (index, name) in self.stacks.iter().enumerate().filter(|one| one.0 != none) {
            let gain = |place: &super::Place| place.cells[none].loss - place.cells[index].loss;
            let mut gains: Vec<_> = self.places.iter().map(gain).collect();
            gains.sort_by(f64::total_cmp);
            let mut path = String::new();
            for (rank, gain) in gains.iter().enumerate() {
                let command = if rank == 0 { 'M' } else { 'L' };
                let at = x(f64::midpoint(share(rank, gains.len()), share(rank + 1, gains.len())));
                let _ = write!(path, "{command}{at:.1} {:.1}", y(*gain));
            }
            line(&path, index, name, svg);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of worlds")]
fn share(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}

/// How the line of stack `index` looks.
fn look(index: usize, name: &str) -> String {
    if name == "omniscient" {
        return "class=\"line bound\" stroke-width=\"1\"".to_owned();
    }
    let (colour, dashes) = LINES[index % LINES.len()];
    format!("class=\"line\" stroke=\"{colour}\" stroke-dasharray=\"{dashes}\"")
}

fn line(path: &str, index: usize, name: &str, svg: &mut String) {
    let _ = writeln!(svg, "<path {} d=\"{path}\"/>", look(index, name));
}

fn key(top: f64, index: usize, name: &str, svg: &mut String) {
    #[expect(clippy::cast_precision_loss, reason = "a few stacks")]
    let y = top + 12.0 + index as f64 * 20.0;
    let x = WIDTH - RIGHT + 14.0;
    let _ = writeln!(
        svg,
        "<path {} d=\"M{x} {y}h26\"/><text class=\"ink small\" x=\"{}\" y=\"{}\">{}</text>",
        look(index, name),
        x + 32.0,
        y + 4.0,
        crate::report::escaped(name),
    );
}

fn title(top: f64, text: &str, svg: &mut String) {
    let y = top - 14.0;
    let _ = writeln!(svg, "<text class=\"ink name\" x=\"10\" y=\"{y}\">{text}</text>");
}

fn horizontal(y: f64, text: &str, class: &str, svg: &mut String) {
    let _ = writeln!(
        svg,
        "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
         <text class=\"faint small\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
        WIDTH - RIGHT,
        LEFT - 6.0,
        y + 4.0,
    );
}

fn vertical(x: f64, top: f64, text: &str, svg: &mut String) {
    let bottom = top + PANEL;
    let _ = writeln!(
        svg,
        "<line class=\"rule\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>\
         <text class=\"faint small\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{text}</text>",
        bottom + 16.0,
    );
}
