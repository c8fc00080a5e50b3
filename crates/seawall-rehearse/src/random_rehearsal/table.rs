//! What came out of random worlds, as a table in plain text.

use super::{RandomReport, Share, quantile};
use crate::figures::Unit;
use crate::report::{aligned, gain, value};

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

fn interval(share: Option<Share>) -> String {
    let text = |Share { share, least, most }| {
        let [share, least, most] = [share, least, most].map(|share: f64| share * 100.0);
        format!("{share:.1} % [{least:.0}, {most:.0}]")
    };
    share.map_or("–".to_owned(), text)
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

impl RandomReport {
    /// Distributions over the worlds, a row for each stack.
    pub fn table(&self) -> String {
        let mut rows = vec![row(&[
            "stack",
            "loss: sum",
            "p50",
            "p90",
            "gain: of sums",
            "p10",
            "p50",
            "p90",
            "of the best",
            "worse than none",
            "requests",
            "refused in health",
        ])];
        for (index, name) in self.stacks.iter().enumerate() {
            let mut losses: Vec<_> =
                self.places.iter().map(|place| place.cells[index].loss).collect();
            losses.sort_by(f64::total_cmp);
            let gains = self.gains(index);
            let mut row = vec![name.clone(), value(Unit::Seconds, self.sum(index))];
            row.extend([0.5, 0.9].map(|p| format!("{:.2} s", quantile(&losses, p).unwrap_or(0.0))));
            row.push(interval(self.gain(name)));
            row.extend([0.1, 0.5, 0.9].map(|p| percent(quantile(&gains, p))));
            row.push(interval(self.gain_of_best(name)));
            row.push(format!("{} of {}", self.worse_than_none(name), self.len()));
            let (requests, above) = self.requests(name);
            row.push(format!("{requests:.2} ({above})"));
            let (refused, above) = self.refused_in_health(name);
            row.push(format!("{:.3} % ({above})", refused * 100.0));
            rows.push(row);
        }
        let requests = self.places.iter().filter(|place| place.counts_requests).count();
        let refusals = self.places.iter().filter(|place| place.counts_refusals).count();
        format!(
            "{}\n\n{}\n\
             gain: share of what an omniscient client gains, with the interval of 95 %; of the best: of what the best \
             stack gains in each world; worse than none: by more than 0.3 s and 3 %\n\
             requests: the most a call in the {requests} worlds with faults other than errors and at least ten calls a second \
             (in how many more than 1.3); refused in health: of all calls of the {refusals} worlds with at most 90 % \
             load and deadlines of at least ten service times (in how many more than 0.05 %)\n",
            self.headline(),
            aligned(&rows)
        )
    }

    /// The sets that it holds.
    fn headline(&self) -> String {
        let mut seeds: Vec<_> = self.places.iter().map(|place| place.seed).collect();
        seeds.dedup();
        let seeds: Vec<_> = seeds.iter().map(u64::to_string).collect();
        let word = if seeds.len() == 1 { "seed" } else { "seeds" };
        let kind = match self.worlds {
            super::Worlds::Usual => "worlds",
            super::Worlds::Harder => "harder worlds",
        };
        format!("{} {kind} of {word} {}", self.len(), seeds.join(", "))
    }

    /// Where the stack called `name` gains and loses: a row for each kind of fault, and for what makes
    /// worlds hard. A world with two faults is in two rows.
    pub fn table_by_kind(&self, name: &str) -> String {
        let mut rows = vec![row(&[name, "worlds", "none", "loss", "omniscient", "gain", "worse"])];
        let Some(index) = self.index(name) else { return String::new() };
        for (word, part) in self.by_word() {
            let sum = |index: Option<usize>| {
                index.map_or("–".to_owned(), |index| format!("{:.1} s", part.sum(index)))
            };
            rows.push(vec![
                word.to_owned(),
                part.len().to_string(),
                sum(part.index("none")),
                sum(Some(index)),
                sum(part.index("omniscient")),
                interval(part.gain(name)),
                part.worse_than_none(name).to_string(),
            ]);
        }
        aligned(&rows)
    }

    /// The shares of the possible gain in single worlds, for those that have one.
    fn gains(&self, index: usize) -> Vec<f64> {
        let (Some(none), Some(bound)) = (self.index("none"), self.index("omniscient")) else {
            return Vec::new();
        };
        let one = |place: &super::Place| {
            let loss = |index: usize| place.cells[index].loss;
            gain(loss(none), loss(bound), loss(index), 1)
        };
        let mut gains: Vec<_> = self.places.iter().filter_map(one).collect();
        gains.sort_by(f64::total_cmp);
        gains
    }
}
