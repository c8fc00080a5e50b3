//! The load: an open loop of 700 calls a second, and their outcomes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seawall_core::Random;
use tokio::time::{Instant, sleep_until};

use crate::server::Server;
use crate::stacks::{Client, Outcome, Stack};
use crate::trigger::Trigger;

/// Calls a second, of all clients together.
const RATE: f64 = 700.0;
/// How long after a trigger its losses are counted.
const AFTER: Duration = Duration::from_secs(10);
/// For "back": goodput is measured over this time.
const BIN: f64 = 0.25;
/// For "back": this share of the offered load is full goodput.
const FULL: f64 = 0.9;

/// The cost of a trigger.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    /// Calls lost from its start until ten seconds after its end, in seconds of offered load.
    pub(crate) loss: f64,
    /// When goodput was full for good, in seconds after its end.
    pub(crate) back: f64,
    /// Requests per call over the same time.
    pub(crate) attempts: f64,
    /// The 99th percentile of the time of calls without an attempt, in milliseconds.
    pub(crate) refused_in: f64,
    /// The share of calls lost before it.
    pub(crate) lost_in_health: f64,
    /// Answered calls, in percent of the calls made in the same bin; by seconds since the trigger.
    pub(crate) goodput: Vec<(f64, f64)>,
}

struct Call {
    at: f64,
    took: f64,
    outcome: Outcome,
}

/// Runs one trigger against `clients` clients with a stack each.
pub(crate) async fn run(
    stack: &Stack,
    clients: usize,
    trigger: Trigger,
    health: Duration,
    seed: u64,
) -> Cost {
    let server = Arc::new(Server::new(trigger, health, seed));
    let clients: Arc<[Client]> = (0..clients).map(|_| (stack.client)()).collect();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let random = Random::seeded(seed ^ 0x5ea_3a11);
    let end = (health + trigger.length + AFTER).as_secs_f64();
    let start = health.as_secs_f64();
    let mut at = 0.0;
    let mut requests_before = 0;
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        at += -(1.0 - random.unit()).ln() / RATE;
        if at >= end {
            break;
        }
        sleep_until(server.origin() + Duration::from_secs_f64(at)).await;
        if at < start {
            requests_before = server.requests();
        }
        let client = usize::try_from(random.below(clients.len() as u64)).unwrap_or(0);
        let (server, clients, calls) =
            (Arc::clone(&server), Arc::clone(&clients), Arc::clone(&calls));
        tasks.spawn(async move {
            let began = Instant::now();
            let outcome = clients[client](server).await;
            let took = began.elapsed().as_secs_f64();
            calls.lock().unwrap_or_else(PoisonError::into_inner).push(Call { at, took, outcome });
        });
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
    let requests = server.requests() - requests_before;
    let calls = std::mem::take(&mut *calls.lock().unwrap_or_else(PoisonError::into_inner));
    cost(&calls, requests, start, start + trigger.length.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few ten thousand")]
fn cost(calls: &[Call], requests: u64, from: f64, until: f64) -> Cost {
    let lost = |call: &&Call| call.outcome != Outcome::Good;
    let counted = || calls.iter().filter(|call| call.at >= from);
    let before = || calls.iter().filter(|call| call.at < from);
    let mut refusals: Vec<f64> = counted()
        .filter(|call| call.outcome == Outcome::Refused)
        .map(|call| call.took * 1e3)
        .collect();
    refusals.sort_by(f64::total_cmp);
    let p99 = refusals.get(refusals.len() * 99 / 100).copied().unwrap_or(0.0);
    Cost {
        loss: counted().filter(lost).count() as f64 / RATE,
        back: back(calls, until),
        attempts: requests as f64 / counted().count() as f64,
        refused_in: p99,
        goodput: goodput(calls, from, until),
        lost_in_health: before().filter(lost).count() as f64 / before().count().max(1) as f64,
    }
}

fn back(calls: &[Call], until: f64) -> f64 {
    let bins = AFTER.as_secs_f64() / BIN;
    let mut bin = bins;
    while bin >= 1.0 {
        let good = good_share(calls, until + (bin - 1.0) * BIN);
        if good.is_some_and(|good| good < FULL) {
            return bin * BIN;
        }
        bin -= 1.0;
    }
    0.0
}

/// From the trigger until as long after it as losses are counted.
fn goodput(calls: &[Call], from: f64, until: f64) -> Vec<(f64, f64)> {
    let starts = std::iter::successors(Some(from), |start| Some(start + BIN));
    starts
        .take_while(|start| *start < until + AFTER.as_secs_f64())
        .filter_map(|start| Some((start + BIN / 2.0 - from, good_share(calls, start)? * 100.0)))
        .collect()
}

/// The share that was answered of the calls made in the bin that begins at `from`; `None` where none was made.
#[expect(clippy::cast_precision_loss, reason = "counts of a few hundred")]
fn good_share(calls: &[Call], from: f64) -> Option<f64> {
    let inside = || calls.iter().filter(|call| call.at >= from && call.at < from + BIN);
    let good = inside().filter(|call| call.outcome == Outcome::Good).count();
    (inside().count() > 0).then(|| good as f64 / inside().count() as f64)
}
