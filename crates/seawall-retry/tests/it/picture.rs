//! The picture of delays in the chapter is drawn by the code that makes the delays.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use seawall_core::{Backoff, Jitter, Random};

/// Calls drawn in each panel.
const CALLS: u64 = 48;
const ATTEMPTS: u32 = 10;
const LONGEST: Duration = Duration::from_secs(5);

const WIDTH: u32 = 210;
const HEIGHT: u32 = 120;
const LEFT: u32 = 34;
const TOP: u32 = 34;
const GAP: u32 = 56;
const COLUMNS: u32 = 4;

fn panels() -> [(&'static str, Backoff); 8] {
    let ms = Duration::from_millis;
    let grown = || Backoff::exponential(ms(100)).max(LONGEST);
    [
        ("constant", Backoff::constant(ms(1_000))),
        ("linear", Backoff::linear(ms(250), ms(500))),
        ("list", Backoff::list([100, 100, 1_000, 1_000, 4_000].map(ms))),
        ("exponential, no jitter", grown().jitter(Jitter::None)),
        ("full jitter", grown()),
        ("equal jitter", grown().jitter(Jitter::Equal)),
        ("proportional, ±20%", grown().jitter(Jitter::Proportional(0.2))),
        ("decorrelated", grown().jitter(Jitter::Decorrelated)),
    ]
}

fn x(attempt: u32) -> u32 {
    (attempt - 1) * WIDTH / ATTEMPTS
}

fn y(delay: Duration) -> u128 {
    let height = u128::from(HEIGHT);
    height - delay.as_millis() * height / LONGEST.as_millis()
}

fn panel(svg: &mut String, index: u32, title: &str, backoff: &Backoff) -> std::fmt::Result {
    let left = LEFT + index % COLUMNS * (WIDTH + GAP);
    let top = TOP + index / COLUMNS * (HEIGHT + GAP);
    writeln!(svg, r#"<g transform="translate({left} {top})">"#)?;
    writeln!(svg, r#"<text x="0" y="-10">{title}</text>"#)?;
    for seconds in [0, 1, 2, 3, 4, 5] {
        let line = y(Duration::from_secs(seconds));
        writeln!(svg, r#"<path class="grid" d="M0 {line}H{WIDTH}"/>"#)?;
        if seconds % 5 == 0 {
            writeln!(svg, r#"<text class="axis" x="-6" y="{}">{seconds} s</text>"#, line + 4)?;
        }
    }
    let mut base = String::new();
    for attempt in 2..=ATTEMPTS {
        let pen = if attempt == 2 { 'M' } else { 'L' };
        write!(base, "{pen}{} {}", x(attempt), y(backoff.base(attempt - 1)))?;
        let class = "tick";
        let below = HEIGHT + 14;
        writeln!(svg, r#"<text class="{class}" x="{}" y="{below}">{attempt}</text>"#, x(attempt))?;
    }
    writeln!(svg, r#"<path class="base" d="{base}"/>"#)?;
    for call in 0..CALLS {
        let random = Random::seeded(call);
        let mut previous = None;
        let mut dots = String::new();
        for attempt in 2..=ATTEMPTS {
            let delay = backoff.delay(attempt - 1, previous, &random);
            previous = Some(delay);
            write!(dots, "M{} {}h0", x(attempt), y(delay))?;
        }
        writeln!(svg, r#"<path class="dot" d="{dots}"/>"#)?;
    }
    writeln!(svg, "</g>")
}

fn picture() -> Result<String, std::fmt::Error> {
    let mut svg = String::new();
    let (width, height) = (LEFT + COLUMNS * (WIDTH + GAP), TOP + 2 * (HEIGHT + GAP));
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="seawall-delays" viewBox="0 0 {width} {height}" role="img" aria-label="The delay before each of ten attempts, for each kind of backoff">"#
    )?;
    writeln!(
        svg,
        "<style>.seawall-delays text{{font:12px sans-serif;fill:#64748b}}\
         .seawall-delays .axis{{text-anchor:end}}\
         .seawall-delays .tick{{text-anchor:middle;font-size:10px}}\
         .seawall-delays .grid{{stroke:#94a3b8;stroke-width:.4}}\
         .seawall-delays .base{{fill:none;stroke:#f97316;stroke-width:1.2}}\
         .seawall-delays .dot{{stroke:#3b82f6;stroke-width:4;stroke-linecap:round;stroke-opacity:.35}}\
         </style>"
    )?;
    for (index, (title, backoff)) in (0..).zip(panels()) {
        panel(&mut svg, index, title, &backoff)?;
    }
    writeln!(svg, "</svg>")?;
    Ok(svg)
}

/// Drawn anew with `SEAWALL_DRAW=1`.
#[test]
fn the_picture_of_delays_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/delays.svg");
    let drawn = picture().unwrap();
    if std::env::var_os("SEAWALL_DRAW").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        drawn == kept,
        "draw it anew: SEAWALL_DRAW=1 cargo test -p seawall-retry --test picture"
    );
}
