//! The callers: how often they call, and for how long they wait.

use crate::time::{MILLISECOND, Nanos, SECOND, seconds};

use super::fault::LONGEST;
use super::reader::Reader;
use super::service::{self, Service};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) traffic: Traffic,
    pub(crate) surges: Vec<Surge>,
    pub(crate) clients: u32,
    pub(crate) deadline: Nanos,
    /// For stacks that limit each attempt.
    pub(crate) attempt: Nanos,
    pub(crate) short: Option<Short>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Traffic {
    /// Calls are made when their time has come.
    Open {
        /// What the rate is at a time; it changes linearly between two of them.
        points: Vec<(Nanos, f64)>,
        /// Constant distances in place of a Poisson process.
        even: bool,
    },
    /// Each user waits for the answer, thinks, and calls again.
    Closed { users: u32, think: Service },
}

/// A time of more load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Surge {
    pub(crate) at: Nanos,
    pub(crate) until: Nanos,
    pub(crate) times: f64,
}

/// Callers among the others that wait less long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Short {
    pub(crate) share: f64,
    pub(crate) deadline: Nanos,
}

impl Load {
    /// Calls per second at `at`; 0 where users wait for answers.
    pub(crate) fn rate(&self, at: Nanos) -> f64 {
        let Traffic::Open { points, .. } = &self.traffic else { return 0.0 };
        let after = points.partition_point(|point| point.0 <= at);
        let base = match (points[after - 1], points.get(after)) {
            (before, Some(after)) if after.0 > before.0 => {
                let share = seconds(at - before.0) / seconds(after.0 - before.0);
                before.1 + (after.1 - before.1) * share
            }
            (before, _) => before.1,
        };
        let inside = |surge: &&Surge| (surge.at..surge.until).contains(&at);
        self.surges.iter().filter(inside).fold(base, |rate, surge| rate * surge.times)
    }

    /// No rate is above this.
    pub(crate) fn peak(&self) -> f64 {
        let Traffic::Open { points, .. } = &self.traffic else { return 0.0 };
        let base = points.iter().map(|point| point.1).fold(0.0, f64::max);
        self.surges.iter().fold(base, |rate, surge| rate * surge.times.max(1.0))
    }

    /// The deadline that is the shortest.
    pub(crate) fn shortest_deadline(&self) -> Nanos {
        self.short.map_or(self.deadline, |short| self.deadline.min(short.deadline))
    }

    /// The deadline that is the longest.
    pub(crate) fn longest_deadline(&self) -> Nanos {
        self.short.map_or(self.deadline, |short| self.deadline.max(short.deadline))
    }
}

const RATE: std::ops::RangeInclusive<f64> = 0.01..=1_000_000.0;
const DEADLINE: std::ops::RangeInclusive<Nanos> = MILLISECOND..=3_600 * SECOND;

/// Reads `[load]`.
pub(super) fn read(table: &Reader<'_>, folder: &std::path::Path) -> Option<Load> {
    let clients = table.whole("clients", &(1..=100_000)).unwrap_or(1);
    let deadline = table.time("deadline", &DEADLINE);
    if deadline.is_none() {
        table.missing("deadline", "a time such as \"500ms\"");
    }
    let traffic = traffic(table, folder);
    let surges = table.tables("surges", 100).into_iter().filter_map(surge).collect();
    let short = table.table("short").and_then(|short| {
        let share = short.number("share", &(0.0..=1.0));
        let deadline = short.time("deadline", &DEADLINE);
        if share.is_none() || deadline.is_none() {
            short.missing("share", "a number between 0 and 1");
            short.missing("deadline", "a time such as \"100ms\"");
        }
        short.finish();
        Some(Short { share: share?, deadline: deadline? })
    });
    let deadline = deadline?;
    let attempt = table.time("attempt", &(MILLISECOND..=deadline)).unwrap_or(deadline / 5);
    Some(Load { traffic: traffic?, surges, clients, deadline, attempt, short })
}

fn traffic(table: &Reader<'_>, folder: &std::path::Path) -> Option<Traffic> {
    let even = table.word("arrivals", &["poisson", "even"]) == Some("even");
    let rate = table.number("rate", &RATE);
    let steps = table.tables("steps", 1_000);
    if let Some(closed) = table.table("closed") {
        if table.has("rate") || table.has("steps") {
            table.refuse(
                "closed",
                "given together with `rate` or `steps`",
                "alone: users set the rate",
            );
        }
        let users = closed.whole("users", &(1..=1_000_000));
        if users.is_none() {
            closed.missing("users", "a whole number between 1 and 1000000");
        }
        let think = service::read(&closed, "think", folder);
        if think.is_none() {
            closed.missing("think", "a time such as \"1s\"");
        }
        closed.finish();
        return Some(Traffic::Closed { users: users?, think: think? });
    }
    if rate.is_none() {
        table.missing("rate", "calls per second, or `closed` with `users` and `think`");
    }
    let mut points = vec![(0, rate?)];
    for step in steps {
        let (at, to) = (step.time("at", &(0..=LONGEST)), step.number("rate", &RATE));
        let over = step.time("over", &(0..=LONGEST)).unwrap_or(0);
        step.missing("at", "a time such as \"10s\"");
        step.missing("rate", "calls per second");
        let before = points[points.len() - 1];
        if let (Some(at), Some(to)) = (at, to) {
            if at < before.0 {
                step.refuse("at", "before the step before is over", "in order");
            }
            points.push((at, before.1));
            points.push((at + over, to));
        }
        step.finish();
    }
    Some(Traffic::Open { points, even })
}

fn surge(table: Reader<'_>) -> Option<Surge> {
    let at = table.time("at", &(0..=LONGEST));
    let length = table.time("for", &(MILLISECOND..=LONGEST));
    let times = table.number("times", &(0.0..=1_000.0));
    table.missing("at", "a time such as \"10s\"");
    table.missing("for", "a time such as \"2s\"");
    table.missing("times", "a number between 0 and 1000");
    table.finish();
    let at = at?;
    Some(Surge { at, until: at + length?, times: times? })
}
