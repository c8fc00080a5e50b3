//! Scenarios that nobody thought of.

use std::fmt::Write as _;

use crate::chance::{Chance, Stream, exp, ln};
use crate::figures::Unit;
use crate::rehearsal::{Rehearsal, Unplayable};
use crate::report::{LEAST_GAIN, aligned, value};
use crate::scenario::{Mistakes, Scenario};
use crate::stack::Stack;
use crate::time::{self, nanos};

/// Draws for one world, one after the other.
struct Draws {
    chance: Chance,
    number: u64,
}

impl Draws {
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

/// World `number` of `seed`, as a file.
///
/// Service times of 1 ms to 1 s, 1 to 2,000 slots, 5 % to 95 % load, queues from none to endless, 1 to
/// 100 clients, deadlines of 5 to 1,000 service times and at most 60 s, one to three faults of any kind
/// for 1 to 60 s: each drawn log-uniformly, and redrawn until there are 0.5 to 10,000 calls a second.
pub fn random_world(seed: u64, number: u64) -> String {
    let chance = Chance::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut draws = Draws { chance, number: 0 };
    let (service, slots, load, rate) = loop {
        let service = draws.log(0.001, 1.0);
        let slots = draws.whole(1.0, 2_000.0);
        let load = draws.log(0.05, 0.95);
        #[expect(clippy::cast_precision_loss, reason = "at most 2,000")]
        let rate = load * slots as f64 / service;
        if (0.5..=10_000.0).contains(&rate) {
            break (service, slots, load, rate);
        }
    };
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

fn fault(draws: &mut Draws, slots: u64, backends: u64, text: &mut String) {
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
    let kind = draws.of(&kinds);
    let (after, length) = (draws.log(1.0, 4.0), draws.log(1.0, 60.0));
    let (at, length) = (display(9.0 + after), display(length));
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
    if backends > 1 && kind != "deploy" && draws.happens(0.5) {
        let _ = writeln!(text, "backend = {}", draws.whole(1.0, 8.0).min(backends));
    }
}

/// What came out of many random worlds.
#[derive(Clone, Debug)]
pub struct RandomReport {
    seed: u64,
    stacks: Vec<String>,
    /// For each world: its number, and the loss of each stack.
    losses: Vec<(u64, Vec<f64>)>,
}

impl RandomReport {
    /// Plays worlds `from` to `from + count` of `seed`; `none` and `omniscient` are played in addition to the
    /// `stacks`. `progress` hears of the number of each world that is over.
    ///
    /// # Errors
    ///
    /// Where a stack can't be built.
    pub fn play(
        seed: u64,
        from: u64,
        count: u64,
        stacks: &[Stack],
        progress: impl Fn(u64) + Sync,
    ) -> Result<Self, Unplayable> {
        let mut all = vec![Stack::none()];
        all.extend_from_slice(stacks);
        all.push(Stack::omniscient());
        let mut losses = Vec::new();
        for number in from..from + count {
            let text = random_world(seed, number);
            let scenario = Scenario::parse(&text).map_err(|mistakes: Mistakes| {
                Unplayable::new(format!("world {number}: {mistakes}"))
            })?;
            let report = Rehearsal::of(scenario, all.clone()).run()?;
            let lost = report.stacks.iter().map(|stack| stack.runs[0].loss).collect();
            losses.push((number, lost));
            progress(number);
        }
        let stacks = all.iter().map(|stack| stack.name().to_owned()).collect();
        Ok(Self { seed, stacks, losses })
    }

    /// The share of the possible gain of the stack called `name`, of sums over all worlds.
    pub fn gain(&self, name: &str) -> Option<f64> {
        let index = self.stacks.iter().position(|stack| stack == name)?;
        let (none, omniscient) = (self.sum(0), self.sum(self.stacks.len() - 1));
        (none - omniscient > LEAST_GAIN).then(|| (none - self.sum(index)) / (none - omniscient))
    }

    /// In how many worlds the stack called `name` loses more than no protection, by over 0.3 s and 3 %.
    pub fn worse_than_none(&self, name: &str) -> usize {
        let index = self.stacks.iter().position(|stack| stack == name).unwrap_or(0);
        let worse = |losses: &&Vec<f64>| losses[index] > losses[0] * 1.03 + 0.3;
        self.losses.iter().map(|world| &world.1).filter(worse).count()
    }

    /// The numbers of the worlds in which the stack called `name` loses most in comparison with what
    /// could be had, the worst first.
    pub fn worst(&self, name: &str, count: usize) -> Vec<u64> {
        let index = self.stacks.iter().position(|stack| stack == name).unwrap_or(0);
        let bound = self.stacks.len() - 1;
        let mut worlds: Vec<_> = self.losses.iter().collect();
        let regret = |losses: &[f64]| losses[index] - losses[bound].min(losses[0]);
        worlds.sort_by(|a, b| regret(&b.1).total_cmp(&regret(&a.1)));
        worlds.iter().take(count).map(|world| world.0).collect()
    }

    fn sum(&self, index: usize) -> f64 {
        self.losses.iter().map(|world| world.1[index]).sum()
    }

    /// The shares of the possible gain in single worlds, for those that have one.
    fn gains(&self, index: usize, best: bool) -> Vec<f64> {
        let gain = |(_, losses): &(u64, Vec<f64>)| {
            let bound = if best {
                losses.iter().copied().fold(f64::INFINITY, f64::min)
            } else {
                losses[losses.len() - 1]
            };
            crate::report::gain(losses[0], bound, losses[index], 1)
        };
        let mut gains: Vec<_> = self.losses.iter().filter_map(gain).collect();
        gains.sort_by(f64::total_cmp);
        gains
    }

    /// Distributions, as a table.
    pub fn table(&self) -> String {
        let mut rows = vec![
            [
                "stack",
                "loss: sum",
                "p50",
                "p90",
                "worst",
                "gain: of sums",
                "p10",
                "p50",
                "p90",
                "of the best",
                "worse than none",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        let percent =
            |share: Option<f64>| share.map_or("–".to_owned(), |s| format!("{:.0} %", s * 100.0));
        for (index, name) in self.stacks.iter().enumerate() {
            let mut losses: Vec<_> = self.losses.iter().map(|world| world.1[index]).collect();
            losses.sort_by(f64::total_cmp);
            let gains = self.gains(index, false);
            let mut row = vec![name.clone(), value(Unit::Seconds, self.sum(index))];
            row.extend(
                [0.5, 0.9, 1.0].map(|p| format!("{:.2} s", quantile(&losses, p).unwrap_or(0.0))),
            );
            row.push(percent(self.gain(name)));
            row.extend([0.1, 0.5, 0.9].map(|p| percent(quantile(&gains, p))));
            row.push(percent(quantile(&self.gains(index, true), 0.5)));
            row.push(format!("{} of {}", self.worse_than_none(name), self.losses.len()));
            rows.push(row);
        }
        format!(
            "{} worlds of seed {}\n\n{}\ngain: share of what an omniscient client gains; of the best: of what the best \
             of all these stacks gains, the median\n",
            self.losses.len(),
            self.seed,
            aligned(&rows)
        )
    }
}

fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index below the length"
    )]
    let index = (p * sorted.len() as f64) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied()
}
