//! The setting: a server for each client, the same script for all, one clock.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use seawall::Random;
use seawall::Shutdown;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::Client;
use crate::ledger::Ledger;
use crate::load::{Pace, drive};
use crate::scenario::Scenario;
use crate::server::Server;
use crate::wire::Wire;
use crate::workshop::Tally;

/// The time for the set-up before the first call.
const LEAD: Duration = Duration::from_millis(50);

/// The servers, the clock and the script.
pub struct Stage {
    pub scenario: Arc<Scenario>,
    pub start: Instant,
    seed: u64,
    target: Option<Uri>,
    cast: Vec<Role>,
    loads: JoinSet<()>,
    servers: JoinSet<io::Result<Infallible>>,
}

/// A client, its ledger, and the counts of its server.
#[derive(Clone)]
pub struct Role {
    pub name: &'static str,
    pub ledger: Arc<Ledger>,
    pub tally: Option<Arc<Tally>>,
}

impl Stage {
    /// A stage for `scenario`, with built-in servers unless there is a `target`.
    pub fn new(scenario: Arc<Scenario>, seed: u64, target: Option<Uri>) -> Self {
        Self {
            scenario,
            start: Instant::now() + LEAD,
            seed,
            target,
            cast: Vec::new(),
            loads: JoinSet::new(),
            servers: JoinSet::new(),
        }
    }

    /// Gives `client` a server of its own, or the one at the target, and its load. A `shutdown`
    /// stops the load, and waits for the calls that are then in flight.
    pub fn enter(
        &mut self,
        name: &'static str,
        client: impl Client,
        shutdown: &Shutdown,
    ) -> anyhow::Result<()> {
        let (url, tally) = match &self.target {
            Some(url) => (url.clone(), None),
            None => self.open_server()?,
        };
        let ledger = Ledger::new(Arc::clone(&self.scenario), self.start);
        let pace = Pace {
            first: self.start,
            end: self.start + self.scenario.length(),
            per_second: self.scenario.calls_per_second,
        };
        let books = Arc::clone(&ledger);
        let load = shutdown.spawn(name, |stop| drive(client, Wire::to(url), books, pace, stop))?;
        self.loads.spawn(async move { load.await.unwrap_or_default() });
        self.cast.push(Role { name, ledger, tally });
        Ok(())
    }

    fn open_server(&mut self) -> anyhow::Result<(Uri, Option<Arc<Tally>>)> {
        // The same seed for all: the same share of errors, the same service times.
        let server = Server::new(Arc::clone(&self.scenario), Random::seeded(self.seed))?;
        let url = format!("http://{}/", server.address()).parse()?;
        let tally = server.tally();
        self.servers.spawn(server.play(self.start));
        Ok((url, Some(tally)))
    }

    pub fn cast(&self) -> Vec<Role> {
        self.cast.clone()
    }

    /// Runs until every call is settled. Errors if a server could not go on.
    pub async fn play(mut self) -> io::Result<()> {
        loop {
            tokio::select! {
                ended = self.loads.join_next() => if ended.is_none() {
                    return Ok(());
                },
                Some(Ok(Err(error))) = self.servers.join_next() => return Err(error),
            }
        }
    }
}
