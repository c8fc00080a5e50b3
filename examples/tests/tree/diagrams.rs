//! The pictures of the chapters: drawn from the diagrams of the pages, and shown in the chapters.
//!
//! A page has its diagram as Mermaid, which the repository's site draws. Rustdoc draws nothing, so a
//! chapter includes a picture: a lane for each state, an arrow for each transition, and what causes
//! it to its right. Drawn anew with `SEAWALL_DRAW=1`.

use std::fmt::Write as _;

use crate::{read, root};

/// A page and the number of the diagram on it; the folder of the picture and the chapter that shows
/// it, below `crates`.
const DIAGRAMS: [(&str, usize, &str, &str); 16] = [
    ("adaptive-limit", 0, "seawall-limit/src/adaptive", "seawall-limit/src/adaptive.rs"),
    ("breaker", 0, "seawall-breaker/src", "seawall-breaker/src/lib.rs"),
    ("bulkhead", 0, "seawall-limit/src/bulkhead", "seawall-limit/src/bulkhead.rs"),
    ("capture", 0, "seawall-capture/src", "seawall-capture/src/lib.rs"),
    ("capture", 1, "seawall-capture/src/digest", "seawall-capture/src/digest.rs"),
    ("capture", 2, "seawall-capture/src/digest/smtp", "seawall-capture/src/digest/smtp.rs"),
    ("capture-redis", 0, "seawall-capture-redis/src", "seawall-capture-redis/src/lib.rs"),
    ("congestion-control", 0, "seawall-limit/src/congestion", "seawall-limit/src/congestion.rs"),
    ("fallback", 0, "seawall-guard/src/fallback", "seawall-guard/src/fallback.rs"),
    ("panic-guard", 0, "seawall-guard/src/panic_guard", "seawall-guard/src/panic_guard.rs"),
    ("rate-limit", 0, "seawall-limit/src/rate", "seawall-limit/src/rate.rs"),
    ("retry", 0, "seawall-retry/src", "seawall-retry/src/lib.rs"),
    ("shedding", 0, "seawall-limit/src/throttle", "seawall-limit/src/throttle.rs"),
    ("shutdown", 0, "seawall-shutdown/src", "seawall-shutdown/src/lib.rs"),
    ("supervise", 0, "seawall-guard/src/task", "seawall-guard/src/task.rs"),
    ("timeout", 0, "seawall-guard/src/timeout", "seawall-guard/src/timeout.rs"),
];

const ROW: usize = 26;
const TOP: usize = 44;
/// The widths of a letter over a lane and in a cause, about.
const BOLD: usize = 7;
const PLAIN: usize = 6;

#[derive(Debug, PartialEq)]
struct Arrow {
    from: usize,
    to: usize,
    cause: String,
}

#[derive(Debug, Default)]
struct Diagram {
    /// What stands over each lane, by the state's name in the source.
    lanes: Vec<(String, String)>,
    arrows: Vec<Arrow>,
}

impl Diagram {
    fn read(source: &str) -> Self {
        let mut diagram = Self::default();
        for line in source.lines().skip(1).map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(alias) = line.strip_prefix("state \"") {
                let (text, name) = alias.split_once("\" as ").expect("a name");
                let lane = diagram.lane(name);
                text.clone_into(&mut diagram.lanes[lane].1);
            } else if source.starts_with("stateDiagram") {
                let (from, rest) = line.split_once(" --> ").expect("an arrow");
                let (to, cause) = rest.split_once(": ").unwrap_or((rest, ""));
                let (from, to) = (if from == "[*]" { "start" } else { from }, to);
                diagram.arrow(from, if to == "[*]" { "end" } else { to }, cause);
            } else {
                diagram.chain(line);
            }
        }
        // The end stands last.
        if let Some(end) = diagram.lanes.iter().position(|lane| lane.0 == "end") {
            let last = diagram.lanes.len() - 1;
            let lane = diagram.lanes.remove(end);
            diagram.lanes.push(lane);
            let moved = |at: usize| match at {
                at if at == end => last,
                at if at > end => at - 1,
                at => at,
            };
            for arrow in &mut diagram.arrows {
                (arrow.from, arrow.to) = (moved(arrow.from), moved(arrow.to));
            }
        }
        diagram
    }

    /// `A[text] -->|cause| B[text] --> C`.
    fn chain(&mut self, line: &str) {
        let mut steps = line.split(" -->");
        let mut from = self.node(steps.next().expect("a node"));
        for step in steps {
            let (cause, node) = match step.strip_prefix('|') {
                Some(step) => step.split_once("| ").expect("a node after the cause"),
                None => ("", step.trim()),
            };
            let to = self.node(node);
            self.arrows.push(Arrow { from, to, cause: cause.to_owned() });
            from = to;
        }
    }

    fn node(&mut self, node: &str) -> usize {
        let brackets = ['[', ']', '(', ')'];
        let (name, text) = node.split_once('[').unwrap_or((node, ""));
        let lane = self.lane(name.trim());
        let text = text.trim_matches(brackets);
        if !text.is_empty() {
            text.clone_into(&mut self.lanes[lane].1);
        }
        lane
    }

    fn lane(&mut self, name: &str) -> usize {
        self.lanes.iter().position(|lane| lane.0 == name).unwrap_or_else(|| {
            self.lanes.push((name.to_owned(), spaced(name)));
            self.lanes.len() - 1
        })
    }

    fn arrow(&mut self, from: &str, to: &str, cause: &str) {
        let (from, to) = (self.lane(from), self.lane(to));
        self.arrows.push(Arrow { from, to, cause: cause.to_owned() });
    }

    /// The width of a lane.
    fn width(&self) -> usize {
        if self.lanes.len() > 6 { 84 } else { 104 }
    }

    fn middle(&self, lane: usize) -> usize {
        lane * self.width() + self.width() / 2
    }

    fn draw(&self) -> Result<String, std::fmt::Error> {
        let lane = self.width();
        let longest = self.arrows.iter().map(|arrow| arrow.cause.chars().count()).max();
        let lanes = self.lanes.len() * lane;
        let width = lanes + 12 + longest.unwrap_or(0) * PLAIN;
        let bottom = TOP + self.arrows.len() * ROW + 8;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"seawall-states\" \
             viewBox=\"0 0 {width} {bottom}\" style=\"max-width:{width}px\" role=\"img\" \
             aria-label=\"States and what leads from one to another\">\n"
        );
        svg += "<style>.seawall-states text{font:12px sans-serif;fill:currentColor}\
                .seawall-states .state{text-anchor:middle;font-weight:bold}\
                .seawall-states .box{fill:#64748b;fill-opacity:.15;stroke:#64748b}\
                .seawall-states .lane{stroke:#94a3b8;stroke-dasharray:3 4}\
                .seawall-states .arrow{fill:none;stroke:#3b82f6;stroke-width:1.6}\
                .seawall-states .head{fill:#3b82f6}</style>\n";
        for (at, (_, text)) in self.lanes.iter().enumerate() {
            let (x, left) = (self.middle(at), at * lane + 4);
            let rows = wrapped(text, lane - 8);
            writeln!(svg, "<path class=\"lane\" d=\"M{x} {} V{bottom}\"/>", TOP - 8)?;
            let (wide, high) = (lane - 8, TOP - 10);
            writeln!(
                svg,
                "<rect class=\"box\" x=\"{left}\" y=\"1\" width=\"{wide}\" height=\"{high}\" rx=\"6\"/>"
            )?;
            for (row, words) in rows.iter().enumerate() {
                let y = if rows.len() == 1 { 22 } else { 14 + row * 14 };
                // Narrower letters where the words do not fit otherwise.
                let room = lane - 14;
                let fit = if words.chars().count() * BOLD > room {
                    format!(" textLength=\"{room}\" lengthAdjust=\"spacingAndGlyphs\"")
                } else {
                    String::new()
                };
                let words = escaped(words);
                writeln!(svg, "<text class=\"state\" x=\"{x}\" y=\"{y}\"{fit}>{words}</text>")?;
            }
        }
        for (row, arrow) in self.arrows.iter().enumerate() {
            let (from, to, y) =
                (self.middle(arrow.from), self.middle(arrow.to), TOP + row * ROW + 14);
            let head = |x: usize, back: &str| format!("M{x} {y} l{back}7 -4 v8 z");
            let (shaft, head) = match from.cmp(&to) {
                std::cmp::Ordering::Less => (format!("M{from} {y} H{}", to - 6), head(to, "-")),
                std::cmp::Ordering::Greater => (format!("M{from} {y} H{}", to + 6), head(to, "")),
                std::cmp::Ordering::Equal => {
                    (format!("M{from} {} h22 v9 H{}", y - 9, to + 6), head(to, ""))
                }
            };
            writeln!(
                svg,
                "<path class=\"arrow\" d=\"{shaft}\"/><path class=\"head\" d=\"{head}\"/>"
            )?;
            let text = escaped(&arrow.cause);
            writeln!(svg, "<text x=\"{}\" y=\"{}\">{text}</text>", lanes + 8, y + 4)?;
        }
        Ok(svg + "</svg>\n")
    }
}

/// `HalfOpen` as words.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// The lines of the text over a lane: two at most.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    if text.chars().count() * BOLD < width {
        return vec![text.to_owned()];
    }
    let half = text.len() / 2;
    let breaks = text.match_indices(' ').map(|(at, _)| at);
    match breaks.min_by_key(|at| at.abs_diff(half)) {
        Some(at) => vec![text[..at].to_owned(), text[at + 1..].to_owned()],
        None => vec![text.to_owned()],
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[test]
fn a_chapter_shows_the_diagram_of_its_page() {
    for (page, number, folder, chapter) in DIAGRAMS {
        let text = read(&root().join("docs").join(page).with_extension("md"));
        let source = text.split("```mermaid\n").nth(number + 1).expect("a diagram");
        let source = source.split("```").next().expect("its end");
        let drawn = Diagram::read(source).draw().expect("a string takes all");
        let path = root().join("crates").join(folder).join("states.svg");
        if std::env::var_os("SEAWALL_DRAW").is_some() {
            std::fs::write(&path, &drawn).expect("the picture is written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let again = "SEAWALL_DRAW=1 cargo test -p seawall-examples --test tree diagrams";
        assert!(drawn == kept, "{}: draw it anew: {again}", path.display());
        let chapter = root().join("crates").join(chapter);
        let shown = read(&chapter);
        assert!(shown.contains("states.svg\")]"), "{} does not show it", chapter.display());
        assert!(!shown.contains("```mermaid"), "{}: rustdoc draws none", chapter.display());
    }
}

#[test]
fn a_diagram_is_read_as_it_is_written() {
    let states = "stateDiagram-v2\n    [*] --> HalfOpen\n    HalfOpen --> [*]: a > b\n    \
                  state \"in peace\" as Rest\n    HalfOpen --> Rest: over\n";
    let diagram = Diagram::read(states);
    let lanes: Vec<_> = diagram.lanes.iter().map(|lane| lane.1.as_str()).collect();
    assert_eq!(lanes, ["start", "half open", "in peace", "end"]);
    let arrows: Vec<_> = diagram.arrows.iter().map(|it| (it.from, it.to)).collect();
    assert_eq!(arrows, [(0, 1), (1, 3), (1, 2)]);
    assert!(diagram.draw().expect("a string takes all").contains("a &gt; b"));
    let flow = Diagram::read("flowchart LR\n    A[one, two] --> B[(store)] -->|put| A\n");
    let arrow = |from, to, cause: &str| Arrow { from, to, cause: cause.to_owned() };
    assert_eq!(flow.arrows, [arrow(0, 1, ""), arrow(1, 0, "put")]);
    assert_eq!(flow.lanes[1].1, "store");
}
