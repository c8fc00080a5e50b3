//! The shell around the machine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use seawall_core::contain;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::config::{DigesterBuilder, Key};
use super::machine::Machine;
use super::sink::{Sink, deliver};
use super::{Digest, SinkError};
use crate::store::Seen;
use crate::{Clock, Observer, Record};

/// Gathers what is captured into [digests](Digest), and sends them. Clones share it.
///
/// Give a clone to [`CaptureBuilder::observer`](crate::CaptureBuilder::observer), and spawn
/// [`run`](Self::run) with another.
#[derive(Clone)]
pub struct Digester(Arc<Inner>);

struct Inner {
    machine: Mutex<Machine>,
    key: Key,
    clock: Clock,
    send_timeout: Duration,
}

/// How [`Digester::close`] ended.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use = "what is left was not sent, and nobody else has it"]
pub struct Closed {
    /// How many digests were sent.
    pub sent: usize,
    /// Those that were not, because the sink failed or time ran out.
    pub left: Vec<Arc<Digest>>,
}

/// What a digester counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DigesterCounts {
    /// Digests that a sink confirmed.
    pub sent: u64,
    /// Sendings that a sink did not confirm.
    pub failed: u64,
    /// Digests that wait.
    pub waiting: usize,
    /// Digests that were merged into an older one of their key.
    pub merged: u64,
    /// Digests that were dropped because too many waited.
    pub dropped: u64,
    /// How many failures those told of.
    pub dropped_failures: u64,
}

/// A digest that is being sent. Whoever goes away in the middle leaves it to be sent again.
struct Sending<'d> {
    digester: &'d Inner,
    id: &'d str,
    settled: bool,
}

impl Sending<'_> {
    fn settle(mut self, sent: bool) {
        self.settled = true;
        if sent {
            self.digester.machine.lock().sent(self.id);
        } else {
            self.digester.machine.lock().failed(self.id, self.digester.clock.now());
        }
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.digester.machine.lock().failed(self.id, self.digester.clock.now());
        }
    }
}

/// How often [`Digester::run`] looks whether something is due.
const TICK: Duration = Duration::from_secs(1);

impl Digester {
    /// A builder with the defaults.
    pub fn builder() -> DigesterBuilder {
        DigesterBuilder::default()
    }

    pub(super) fn of(builder: DigesterBuilder) -> Self {
        let DigesterBuilder { limits, key, clock, random, send_timeout } = builder;
        let machine = Mutex::new(Machine::new(limits, random));
        Self(Arc::new(Inner { machine, key, clock, send_timeout }))
    }

    /// Sends what is due, for ever. Dropping the future at any point loses nothing: a digest that
    /// was being sent is sent again, with the same id.
    pub async fn run<S: Sink + ?Sized>(&self, sink: &S) {
        loop {
            self.step(sink).await;
            sleep(TICK).await;
        }
    }

    /// Sends what is due now. Gives how many digests were sent and how many were not, each with
    /// the sink's error.
    pub async fn step<S: Sink + ?Sized>(&self, sink: &S) -> (usize, Vec<SinkError>) {
        let now = self.0.clock.now();
        self.0.machine.lock().close(now, false);
        let (mut sent, mut errors) = (0, Vec::new());
        loop {
            let due = self.0.machine.lock().next(self.0.clock.now());
            let Some(digest) = due else { return (sent, errors) };
            match self.send(sink, &digest).await {
                Ok(()) => sent += 1,
                Err(error) => errors.push(error),
            }
        }
    }

    async fn send<S: Sink + ?Sized>(&self, sink: &S, digest: &Digest) -> Result<(), SinkError> {
        let sending = Sending { digester: &self.0, id: &digest.id, settled: false };
        let done = match timeout(self.0.send_timeout, deliver(sink, digest)).await {
            Ok(done) => done,
            Err(elapsed) => Err(elapsed.into()),
        };
        sending.settle(done.is_ok());
        done
    }

    /// Sends everything there is, without waiting for it to be due, each digest once, and ends
    /// after `within` at the latest. What is left is given back.
    pub async fn close<S: Sink + ?Sized>(&self, sink: &S, within: Duration) -> Closed {
        let deadline = Instant::now() + within.min(Duration::from_hours(24 * 365));
        self.0.machine.lock().close(self.0.clock.now(), true);
        let mut sent = 0;
        let mut tried = Vec::new();
        loop {
            let next = self.0.machine.lock().next_but(&tried);
            let Some(digest) = next else { break };
            tried.push(digest.id.clone());
            match timeout_at(deadline, self.send(sink, &digest)).await {
                Ok(Ok(())) => sent += 1,
                Ok(Err(_)) => {}
                Err(_) => break,
            }
        }
        Closed { sent, left: self.0.machine.lock().left() }
    }

    /// What it counted.
    pub fn counts(&self) -> DigesterCounts {
        let machine = self.0.machine.lock();
        let counts = machine.counts;
        DigesterCounts {
            sent: counts.sent,
            failed: counts.failed,
            waiting: machine.waiting(),
            merged: counts.merged,
            dropped: counts.dropped,
            dropped_failures: counts.dropped_failures,
        }
    }
}

impl Observer for Digester {
    fn on_record(&self, record: &Record, seen: Seen) {
        // What is muted is counted by the store, and tells nobody.
        if matches!(seen, Seen::Muted | Seen::Dropped(_)) {
            return;
        }
        // The key is the user's code: it runs outside the lock.
        let key = contain(|| (self.0.key)(record)).unwrap_or_default();
        let now = self.0.clock.now();
        self.0.machine.lock().record(&key, record, seen, now);
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digester").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
