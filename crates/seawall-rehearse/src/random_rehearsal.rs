//! Stacks judged by many random worlds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chance::{Chance, Stream};
use crate::random_worlds::Worlds;
use crate::rehearsal::{Rehearsal, Unplayable};
use crate::scenario::{Mistakes, Scenario};
use crate::stack::Stack;
use crate::time::seconds;

mod picture;
mod table;

/// A cell is the median of this many seeds.
const SEEDS: u32 = 3;
/// A stack is worse than none where it loses more by this much.
const WORSE: (f64, f64) = (0.3, 0.03);
/// A stack sends too much where it sends more requests a call in faults without errors...
const MOST_REQUESTS: f64 = 1.3;
/// ...at this many calls a second or more.
const ENOUGH_CALLS: f64 = 10.0;
/// A stack refuses in health where it refuses more of the calls...
const MOST_REFUSED: f64 = 0.0005;
/// ...at this load or less...
const FULL_LOAD: f64 = 0.9;
/// ...where each deadline is at least this multiple of the service time.
const ENOUGH_TIME: f64 = 10.0;
/// Samples of the bootstrap.
const SAMPLES: u64 = 2_000;

/// Many random worlds and the stacks that they are played against.
///
/// A cell is one world with its faults against one stack: the median of three seeds. Worlds 1 to `count`
/// of each seed are a set.
///
/// ```
/// use seawall_rehearse::{RandomRehearsal, Stack, Worlds};
///
/// # let _ = || {
/// let report = RandomRehearsal::new(Worlds::Usual, vec![1_000, 1_001], 300)
///     .stacks(vec![Stack::standard()])
///     .run()?;
/// println!("{}", report.table());
/// # Ok::<_, seawall_rehearse::Unplayable>(())
/// # };
/// ```
#[derive(Debug)]
pub struct RandomRehearsal {
    worlds: Worlds,
    seeds: Vec<u64>,
    count: u64,
    stacks: Vec<Stack>,
    known: Vec<Cell>,
    threads: Option<usize>,
}

impl RandomRehearsal {
    /// Worlds 1 to `count` of each of the `seeds`, with no protection, naive retries and the omniscient
    /// client.
    pub fn new(worlds: Worlds, seeds: Vec<u64>, count: u64) -> Self {
        let stacks = vec![Stack::none(), Stack::naive(), Stack::omniscient()];
        Self { worlds, seeds, count, stacks, known: Vec::new(), threads: None }
    }

    /// Plays these, too.
    #[must_use]
    pub fn stacks(mut self, stacks: Vec<Stack>) -> Self {
        let last = self.stacks.len() - 1;
        let known = |stack: &Stack| self.stacks.iter().any(|other| other.name() == stack.name());
        let new: Vec<_> = stacks.into_iter().filter(|stack| !known(stack)).collect();
        self.stacks.splice(last..last, new);
        self
    }

    /// Takes over cells that were played before, in place of playing them again.
    ///
    /// They are believed: where a stack has changed since, leave its cells out.
    #[must_use]
    pub fn known(mut self, cells: Vec<Cell>) -> Self {
        self.known = cells;
        self
    }

    /// Plays on at most `threads` threads. What comes out is the same.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads.max(1));
        self
    }

    /// Plays every stack in every world.
    ///
    /// # Errors
    ///
    /// Where a stack can't be built.
    pub fn run(&self) -> Result<RandomReport, Unplayable> {
        self.run_with(|_| {})
    }

    /// Like [`run`](Self::run); `progress` sees the report grow by a world at a time.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_with(&self, progress: impl Fn(&RandomReport)) -> Result<RandomReport, Unplayable> {
        let stacks = self.stacks.iter().map(|stack| stack.name().to_owned()).collect();
        let mut report = RandomReport { worlds: self.worlds, stacks, places: Vec::new() };
        for &seed in &self.seeds {
            for number in 1..=self.count {
                let place = self.place(seed, number)?;
                report.places.push(place);
                progress(&report);
            }
        }
        Ok(report)
    }

    fn place(&self, seed: u64, number: u64) -> Result<Place, Unplayable> {
        let text = self.worlds.file(seed, number);
        let scenario = Scenario::parse(&text).map_err(|mistakes: Mistakes| {
            Unplayable::new(format!("world {number} of seed {seed}: {mistakes}"))
        })?;
        let here = |cell: &&Cell| (cell.seed, cell.world) == (seed, number);
        let known: Vec<_> = self.known.iter().filter(here).collect();
        let find = |name: &str| known.iter().find(|cell| cell.stack == name);
        let unknown = |stack: &&Stack| find(stack.name()).is_none();
        let missing: Vec<_> = self.stacks.iter().filter(unknown).cloned().collect();
        let mut played = Vec::new();
        if !missing.is_empty() {
            let first = scenario.seed();
            let mut rehearsal = Rehearsal::of(scenario.clone().with_seeds(first, SEEDS), missing);
            if let Some(threads) = self.threads {
                rehearsal = rehearsal.threads(threads);
            }
            for stack in rehearsal.run()?.stacks {
                let sum = |of: fn(&crate::Figures) -> f64| stack.runs.iter().map(of).sum();
                played.push(Cell {
                    seed,
                    world: number,
                    loss: stack.median.loss,
                    requests: stack.median.amplification,
                    calls_in_health: sum(|run| run.calls_in_health),
                    refused_in_health: sum(|run| run.refused_in_health),
                    stack: stack.name,
                });
            }
        }
        let cell = |stack: &Stack| {
            let played = played.iter().find(|cell| cell.stack == stack.name());
            played.or(find(stack.name()).copied()).cloned()
        };
        let cells = self.stacks.iter().filter_map(cell).collect();
        Ok(Place::new(seed, number, &text, &scenario, cells))
    }
}

/// One world against one stack: medians and sums over three seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cell {
    /// The seed that the world is drawn from.
    pub seed: u64,
    /// Its number.
    pub world: u64,
    /// The stack's name.
    pub stack: String,
    /// The median loss, in seconds of load.
    pub loss: f64,
    /// The median of requests per call.
    pub requests: f64,
    /// Calls in health.
    pub calls_in_health: f64,
    /// Those of them of which nothing was ever sent.
    pub refused_in_health: f64,
}

/// A world and its cells.
#[derive(Clone, Debug)]
struct Place {
    seed: u64,
    number: u64,
    /// What is special: the kinds of its faults, and what makes it hard.
    words: Vec<String>,
    /// Enough calls, and no fault that answers with errors.
    counts_requests: bool,
    /// No more load than a stack has to carry, and enough time for every call.
    counts_refusals: bool,
    /// In the order of the stacks.
    cells: Vec<Cell>,
}

impl Place {
    fn new(seed: u64, number: u64, text: &str, scenario: &Scenario, cells: Vec<Cell>) -> Self {
        let kinds = scenario.faults.iter().map(|fault| fault.kind.word());
        let hard = text.lines().next().and_then(|line| line.split_once("harder: "));
        let hard = hard.and_then(|(_, rest)| rest.split_once(';')).map_or("", |(words, _)| words);
        let mut words: Vec<_> = kinds.clone().map(str::to_owned).collect();
        words.extend(hard.split(", ").filter(|word| !word.is_empty()).map(str::to_owned));
        words.sort_unstable();
        words.dedup();
        let service = scenario.servers.service.mean();
        let rate = scenario.usual_rate();
        let least = scenario.load.shortest_deadline();
        Self {
            seed,
            number,
            words,
            counts_requests: rate >= ENOUGH_CALLS && kinds.clone().all(|kind| kind != "errors"),
            counts_refusals: rate / scenario.capacity() <= FULL_LOAD
                && seconds(least) >= ENOUGH_TIME * service,
            cells,
        }
    }
}

/// What came out of many random worlds.
#[derive(Clone, Debug)]
pub struct RandomReport {
    worlds: Worlds,
    stacks: Vec<String>,
    places: Vec<Place>,
}

/// A share of sums over worlds, and between what it is with a probability of 95 %, by a bootstrap over
/// the worlds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Share {
    /// The share itself.
    pub share: f64,
    /// The lower end of the interval.
    pub least: f64,
    /// The upper end of the interval.
    pub most: f64,
}

impl RandomReport {
    /// How many worlds it holds.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds no world.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// All cells, for [`RandomRehearsal::known`].
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.places.iter().flat_map(|place| &place.cells)
    }

    /// The worlds of one seed alone.
    #[must_use]
    pub fn set(&self, seed: u64) -> Self {
        self.only(|place| place.seed == seed)
    }

    fn only(&self, wanted: impl Fn(&Place) -> bool) -> Self {
        let places = self.places.iter().filter(|place| wanted(place)).cloned().collect();
        Self { worlds: self.worlds, stacks: self.stacks.clone(), places }
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.stacks.iter().position(|stack| stack == name)
    }

    fn sum(&self, index: usize) -> f64 {
        self.places.iter().map(|place| place.cells[index].loss).sum()
    }

    /// The share of the omniscient client's gain over no protection that the stack called `name` has, of sums.
    /// `None` where there is nothing to gain, or no such stack.
    pub fn gain(&self, name: &str) -> Option<Share> {
        let (stack, bound) = (self.index(name)?, self.index("omniscient")?);
        self.share(stack, move |place| place.cells[bound].loss)
    }

    /// The same in comparison with whichever stack is the best in each world, the omniscient client
    /// among them.
    pub fn gain_of_best(&self, name: &str) -> Option<Share> {
        let best =
            |place: &Place| place.cells.iter().map(|cell| cell.loss).fold(f64::INFINITY, f64::min);
        self.share(self.index(name)?, best)
    }

    fn share(&self, index: usize, bound: impl Fn(&Place) -> f64) -> Option<Share> {
        let none = self.index("none")?;
        let differences: Vec<_> = self
            .places
            .iter()
            .map(|place| {
                let none = place.cells[none].loss;
                (none - place.cells[index].loss, none - bound(place))
            })
            .collect();
        let ratio = |of: &mut dyn Iterator<Item = (f64, f64)>| {
            let (gained, possible) = of.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            (possible > f64::EPSILON).then(|| gained / possible)
        };
        let share = ratio(&mut differences.iter().copied())?;
        let chance = Chance::new(SAMPLES);
        let count = differences.len() as u64;
        let sample = |sample: u64| {
            let draw = |n| chance.below(Stream::World, sample * count + n, count);
            let drawn = (0..count).map(draw).filter_map(|n| usize::try_from(n).ok());
            ratio(&mut drawn.map(|n| differences[n]))
        };
        let mut samples: Vec<_> = (0..SAMPLES).filter_map(sample).collect();
        samples.sort_by(f64::total_cmp);
        let [least, most] = [0.025, 0.975].map(|p| quantile(&samples, p).unwrap_or(share));
        Some(Share { share, least, most })
    }

    /// In how many worlds the stack called `name` loses more than no protection, by over 0.3 s and 3 %.
    pub fn worse_than_none(&self, name: &str) -> usize {
        let (Some(index), Some(none)) = (self.index(name), self.index("none")) else { return 0 };
        self.places.iter().filter(|place| is_worse(place, index, none)).count()
    }

    /// The most requests a call that the stack called `name` sends in a world with faults other than
    /// errors and at least ten calls a second, and in how many of these it sends more than 1.3.
    pub fn requests(&self, name: &str) -> (f64, usize) {
        let Some(index) = self.index(name) else { return (0.0, 0) };
        let counted = self.places.iter().filter(|place| place.counts_requests);
        let requests = counted.map(|place| place.cells[index].requests);
        let above = requests.clone().filter(|requests| *requests > MOST_REQUESTS).count();
        (requests.fold(0.0, f64::max), above)
    }

    /// The share of calls in health that the stack called `name` refuses in worlds with at most 90 % load
    /// and deadlines of at least ten service times, and in how many of these it is more than 0.05 %.
    pub fn refused_in_health(&self, name: &str) -> (f64, usize) {
        let Some(index) = self.index(name) else { return (0.0, 0) };
        let counted = self.places.iter().filter(|place| place.counts_refusals);
        let (mut calls, mut refused, mut above) = (0.0, 0.0, 0);
        for cell in counted.map(|place| &place.cells[index]) {
            calls += cell.calls_in_health;
            refused += cell.refused_in_health;
            above += usize::from(cell.refused_in_health > MOST_REFUSED * cell.calls_in_health);
        }
        (refused / f64::max(calls, 1.0), above)
    }

    /// Seed and number of the worlds in which the stack called `name` loses most in comparison with what
    /// could be had, the worst first.
    pub fn worst(&self, name: &str, count: usize) -> Vec<(u64, u64)> {
        let indices = (self.index(name), self.index("none"), self.index("omniscient"));
        let (Some(index), Some(none), Some(bound)) = indices else { return Vec::new() };
        let regret = |place: &&Place| {
            let loss = |index: usize| place.cells[index].loss;
            loss(index) - loss(bound).min(loss(none))
        };
        let mut places: Vec<_> = self.places.iter().collect();
        places.sort_by(|a, b| regret(b).total_cmp(&regret(a)));
        places.iter().take(count).map(|place| (place.seed, place.number)).collect()
    }

    /// The worlds by what is special about them, and by name.
    fn by_word(&self) -> BTreeMap<&str, Self> {
        let words = self.places.iter().flat_map(|place| &place.words);
        let words: std::collections::BTreeSet<_> = words.map(String::as_str).collect();
        let with = |word: &str| self.only(|place| place.words.iter().any(|one| one == word));
        words.into_iter().map(|word| (word, with(word))).collect()
    }
}

fn is_worse(place: &Place, index: usize, none: usize) -> bool {
    let (loss, none) = (place.cells[index].loss, place.cells[none].loss);
    loss > none * (1.0 + WORSE.1) + WORSE.0
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
