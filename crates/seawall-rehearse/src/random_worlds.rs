//! Scenarios that nobody thought of.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::chance::{Chance, Stream, exp, ln};
use crate::time::{self, nanos};

mod harder;

/// Which distributions scenarios are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Worlds {
    /// Service times of 1 ms to 1 s, 1 to 2,000 slots, 5 % to 95 % load, queues from none to endless,
    /// 1 to 100 clients, deadlines of 5 to 1,000 service times and at most 60 s, one to three faults of
    /// any kind for 1 to 60 s: each drawn log-uniformly, and redrawn until there are 0.5 to 10,000 calls a
    /// second.
    #[default]
    Usual,
    /// The same, and one to three of these: servers that are aware of callers that left, that get slower
    /// the more is inside, that serve the newest first; calls that differ a hundredfold; several servers
    /// with one bad; faults that overlap; clients that start together, in the middle of a fault; steps
    /// and waves of load; users that wait for answers; deadlines of two lengths.
    Harder,
}

impl Worlds {
    /// World `number` of `seed`, as a scenario file.
    pub fn file(self, seed: u64, number: u64) -> String {
        match self {
            Self::Usual => usual(seed, number),
            Self::Harder => harder::world(seed, number),
        }
    }
}

/// Draws for one world, one after the other.
struct Draws {
    chance: Chance,
    number: u64,
}

impl Draws {
    fn new(seed: u64, number: u64) -> Self {
        let chance = Chance::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self { chance, number: 0 }
    }

    fn unit(&mut self) -> f64 {
        self.number += 1;
        self.chance.unit(Stream::World, self.number)
    }

    /// Between `least` and `most`, the logarithm evenly distributed.
    fn log(&mut self, least: f64, most: f64) -> f64 {
        exp(ln(least) + (ln(most) - ln(least)) * self.unit())
    }

    fn whole(&mut self, least: f64, most: f64) -> u64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let whole = self.log(least, most).round() as u64;
        whole
    }

    fn happens(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        self.number += 1;
        let index = self.chance.below(Stream::World, self.number, words.len() as u64);
        words[usize::try_from(index).unwrap_or(0)]
    }

    /// A time of at least a millisecond, to three digits.
    fn time(&mut self, least: f64, most: f64) -> String {
        display(self.log(least, most))
    }
}

/// To three digits, so that a file can be read.
fn display(seconds: f64) -> String {
    let mut digit = 1.0;
    let ms = (seconds * 1e3).max(0.001);
    while ms * digit < 100.0 {
        digit *= 10.0;
    }
    time::display(nanos((ms * digit).round() / digit / 1e3))
}

/// How large the servers are, and how busy.
struct Size {
    service: f64,
    slots: u64,
    load: f64,
    rate: f64,
}

fn size(draws: &mut Draws) -> Size {
    loop {
        let service = draws.log(0.001, 1.0);
        let slots = draws.whole(1.0, 2_000.0);
        let load = draws.log(0.05, 0.95);
        #[expect(clippy::cast_precision_loss, reason = "at most 2,000")]
        let rate = load * slots as f64 / service;
        if (0.5..=10_000.0).contains(&rate) {
            return Size { service, slots, load, rate };
        }
    }
}

fn usual(seed: u64, number: u64) -> String {
    let mut draws = Draws::new(seed, number);
    let Size { service, slots, load, rate } = size(&mut draws);
    let deadline = draws.log(5.0, 1_000.0) * service;
    let deadline = display(deadline.min(60.0));
    let clients = draws.whole(1.0, 100.0);
    let backends =
        if slots >= 4 && draws.happens(0.25) { draws.whole(2.0, 8.0).min(slots / 2) } else { 1 };
    let mut text = format!(
        "# World {number} of seed {seed}: {:.0} % load.\nversion = 1\nname = \"world-{seed}-{number}\"\n\
         seed = {}\nwatch = \"10s\"\n\n[load]\nrate = {rate:.3}\nclients = {clients}\ndeadline = \"{deadline}\"\n",
        load * 100.0,
        number % u64::from(u32::MAX),
    );
    if draws.happens(0.2) {
        let share = draws.log(0.05, 0.5);
        let least = time::parse(&deadline).map_or(1.0, time::seconds);
        let short = display((least * draws.log(0.1, 0.7)).max(0.001));
        let _ = writeln!(text, "short = {{ share = {share:.2}, deadline = \"{short}\" }}");
    }
    let _ = write!(
        text,
        "\n[server]\nslots = {}\nservice = {}\n",
        slots.div_ceil(backends),
        tail(&mut draws, service)
    );
    if backends > 1 {
        let choice = draws.of(&["round_robin", "random"]);
        let _ = writeln!(text, "backends = {backends}\nchoice = \"{choice}\"");
    }
    let queue = match draws.of(&["none", "endless", "long", "long", "long", "long"]) {
        "none" => "0".to_owned(),
        "endless" => "\"endless\"".to_owned(),
        _ => draws.whole(1.0, 100_000.0).to_string(),
    };
    let _ = writeln!(text, "queue = {queue}");
    if draws.happens(0.1) {
        text.push_str("discipline = \"lifo\"\n");
    }
    if draws.happens(0.25) {
        text.push_str("aware = true\n");
    }
    let faults = if draws.happens(0.7) { 1 } else { draws.whole(2.0, 3.0) };
    for _ in 0..faults {
        fault(&mut draws, slots.div_ceil(backends), backends, &mut text);
    }
    text
}

/// A distribution with the mean `service`.
fn tail(draws: &mut Draws, service: f64) -> String {
    let time = |seconds: f64| time::display(nanos(seconds).max(time::MICROSECOND) / 1_000 * 1_000);
    match draws.of(&["fixed", "exponential", "lognormal", "bimodal"]) {
        "fixed" => format!("\"{}\"", time(service)),
        "exponential" => format!("{{ kind = \"exponential\", mean = \"{}\" }}", time(service)),
        "lognormal" => {
            let ratio = draws.log(1.5, 30.0);
            let sigma = ln(ratio) / 2.326_347_874;
            let p50 = service / exp(sigma * sigma / 2.0);
            let (p50, p99) = (time(p50), time(p50 * ratio));
            format!("{{ kind = \"lognormal\", p50 = \"{p50}\", p99 = \"{p99}\" }}")
        }
        _ => {
            let (share, times) = (draws.log(0.005, 0.2), draws.log(2.0, 50.0));
            let fast = service / (1.0 - share + share * times);
            let (fast, slow) = (time(fast), time(fast * times));
            format!(
                "{{ kind = \"bimodal\", fast = \"{fast}\", slow = \"{slow}\", slow_share = {share:.3} }}"
            )
        }
    }
}

/// The word of a fault.
fn kind(draws: &mut Draws, backends: u64) -> &'static str {
    let mut kinds = vec![
        "down",
        "refuse",
        "black_hole",
        "vanish",
        "freeze",
        "pauses",
        "slow",
        "ramp",
        "errors",
        "errors",
        "slots",
        "flapping",
        "cold_start",
    ];
    if backends > 1 {
        kinds.extend(["deploy", "deploy"]);
    }
    draws.of(&kinds)
}

fn fault(draws: &mut Draws, slots: u64, backends: u64, text: &mut String) {
    let kind = kind(draws, backends);
    let (after, length) = (draws.log(1.0, 4.0), draws.log(1.0, 60.0));
    describe(draws, kind, (9.0 + after, length), slots, text);
    if backends > 1 && kind != "deploy" && draws.happens(0.5) {
        let _ = writeln!(text, "backend = {}", draws.whole(1.0, 8.0).min(backends));
    }
}

/// Writes a fault of `kind` that begins at a time and lasts for another, in seconds.
fn describe(draws: &mut Draws, kind: &str, when: (f64, f64), slots: u64, text: &mut String) {
    let (at, length) = (display(when.0), display(when.1));
    let _ = write!(text, "\n[[fault]]\nkind = \"{kind}\"\nat = \"{at}\"\nfor = \"{length}\"\n");
    let _ = match kind {
        "vanish" => writeln!(text, "share = {:.3}", draws.log(0.02, 1.0)),
        "errors" => {
            let at_once = draws.happens(0.5);
            writeln!(text, "share = {:.3}\nat_once = {at_once}", draws.log(0.02, 1.0))
        }
        "slow" | "ramp" | "cold_start" => writeln!(text, "times = {:.2}", draws.log(1.5, 50.0)),
        "slots" => writeln!(text, "left = {}", draws.whole(1.0, 2_000.0).min(slots) - 1),
        "flapping" => writeln!(text, "every = \"{}\"", draws.time(0.1, 5.0)),
        "pauses" => {
            let every = draws.log(0.5, 10.0);
            let pause = display(every * draws.log(0.05, 0.9));
            writeln!(text, "every = \"{}\"\npause = \"{pause}\"", display(every))
        }
        "deploy" => {
            let times = draws.log(1.5, 10.0);
            writeln!(text, "down = \"{}\"\ntimes = {times:.2}", draws.time(0.1, 3.0))
        }
        _ => Ok(()),
    };
}
