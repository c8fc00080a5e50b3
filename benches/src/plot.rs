//! Small line charts as SVG, readable on a light and on a dark background.

use std::fmt::Write as _;

/// One line of a chart.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its points, x ascending.
    pub points: Vec<(f64, f64)>,
}

/// A chart.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// The line above it.
    pub title: &'a str,
    /// What x is, with its unit.
    pub x: &'a str,
    /// What y is, with its unit.
    pub y: &'a str,
    /// Whether x goes up by factors.
    pub log_x: bool,
    /// Whether y goes up by factors.
    pub log_y: bool,
    /// The lines.
    pub series: &'a [Series],
}

const WIDTH: f64 = 640.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 620.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 300.0;
/// Colours that people with colour blindness can tell apart, too (Okabe and Ito, 2008).
const COLOURS: [&str; 8] =
    ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#B2A800"];

impl Chart<'_> {
    /// The chart as a document.
    pub fn svg(&self) -> String {
        let height = BOTTOM + 52.0 + 18.0 * rows(self.series.len());
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n<style>text{{fill:#333}}.grid{{stroke:#ccc}}\
             @media(prefers-color-scheme:dark){{text{{fill:#ddd}}.grid{{stroke:#444}}}}</style>\n\
             <text x=\"{LEFT}\" y=\"18\" font-size=\"14\" font-weight=\"bold\">{}</text>\n",
            escaped(self.title)
        );
        let (x, y) =
            (self.axis(|point| point.0, self.log_x), self.axis(|point| point.1, self.log_y));
        self.grid(&mut svg, &x, &y);
        for (index, series) in self.series.iter().enumerate() {
            line(&mut svg, index, series, &x, &y);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn axis(&self, of: fn(&(f64, f64)) -> f64, log: bool) -> Axis {
        let values =
            || self.series.iter().flat_map(|s| &s.points).map(of).filter(|v| v.is_finite());
        let most = values().fold(f64::MIN, f64::max);
        if !log {
            return Axis { log, from: 0.0, to: nice(most) };
        }
        let least = values().filter(|v| *v > 0.0).fold(f64::MAX, f64::min);
        Axis {
            log,
            from: least.log10().floor(),
            to: most.log10().ceil().max(least.log10().floor() + 1.0),
        }
    }

    fn grid(&self, svg: &mut String, x: &Axis, y: &Axis) {
        for tick in x.ticks() {
            let at = LEFT + x.share(tick) * (RIGHT - LEFT);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{BOTTOM}\"/>\
                 <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                BOTTOM + 16.0,
                number(tick)
            );
        }
        for tick in y.ticks() {
            let at = BOTTOM - y.share(tick) * (BOTTOM - TOP);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{RIGHT}\" y2=\"{at:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                at + 4.0,
                number(tick)
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{RIGHT}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <text x=\"{LEFT}\" y=\"{:.1}\" text-anchor=\"start\">{}</text>",
            BOTTOM + 32.0,
            escaped(self.x),
            TOP - 4.0,
            escaped(self.y)
        );
    }
}

struct Axis {
    log: bool,
    from: f64,
    to: f64,
}

impl Axis {
    fn share(&self, value: f64) -> f64 {
        let place = if self.log { value.max(f64::MIN_POSITIVE).log10() } else { value };
        ((place - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<f64> {
        let steps = if self.log { self.to - self.from } else { 5.0 };
        let width = (self.to - self.from) / steps;
        let mut ticks = Vec::new();
        let mut at = self.from;
        while at <= self.to + width / 2.0 {
            ticks.push(if self.log { 10_f64.powf(at) } else { at });
            at += width;
        }
        ticks
    }
}

fn line(svg: &mut String, index: usize, series: &Series, x: &Axis, y: &Axis) {
    let colour = COLOURS[index % COLOURS.len()];
    let place = |&(at, value): &(f64, f64)| {
        (LEFT + x.share(at) * (RIGHT - LEFT), BOTTOM - y.share(value) * (BOTTOM - TOP))
    };
    let path: Vec<String> =
        series.points.iter().map(place).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(
        svg,
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>",
        path.join(" ")
    );
    for (x, y) in series.points.iter().map(place) {
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
    }
    #[expect(clippy::cast_precision_loss, reason = "a legend has few entries")]
    let (column, row) = ((index % 2) as f64, (index / 2) as f64);
    let (at, down) = (LEFT + column * 280.0, BOTTOM + 54.0 + 18.0 * row);
    let _ = writeln!(
        svg,
        "<rect x=\"{at:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\
         <text x=\"{:.1}\" y=\"{down:.1}\">{}</text>",
        down - 10.0,
        at + 16.0,
        escaped(&series.name)
    );
}

/// Rows of the legend, which has two columns.
#[expect(clippy::cast_precision_loss, reason = "a legend has few entries")]
fn rows(entries: usize) -> f64 {
    entries.div_ceil(2) as f64
}

/// The next round number.
fn nice(most: f64) -> f64 {
    let power = 10_f64.powf(most.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 1.5, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|round| *round >= most)
        .unwrap_or(most)
}

fn number(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{} M", trimmed(v / 1e6)),
        v if v >= 1e4 => format!("{} k", trimmed(v / 1e3)),
        v => trimmed(v),
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
