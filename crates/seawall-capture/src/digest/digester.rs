//! The shell around the machine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use seawall_core::contain;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::config::{DigesterBuilder, Key};
use super::look::Looks;
use super::machine::{Machine, Occurrence, Which};
use super::mirror::{Mirror, Remembered};
use super::sink::{Sink, deliver};
use super::{Digest, SinkError};
use crate::spool::{DIGESTS, GATHERED, REPORTED};
use crate::store::Seen;
use crate::{Alarms, Clock, Observer, Record, Spool};

/// Gathers what is captured into [digests](Digest), and sends them. Clones share it.
///
/// Give a clone to [`CaptureBuilder::observer`](crate::CaptureBuilder::observer), and spawn
/// [`run`](Self::run) with another.
#[derive(Clone)]
pub struct Digester {
    pub(super) inner: Arc<Inner>,
    spool: Option<Spool>,
}

pub(super) struct Inner {
    pub(super) machine: Mutex<Machine>,
    pub(super) mirror: Mutex<Mirror>,
    /// Notified whenever a sending ends.
    settled: Notify,
    pub(super) key: Key,
    pub(super) clock: Clock,
    send_timeout: Duration,
    pub(super) alarms: Option<Alarms>,
    /// Held while a store is looked at, so that two looks count nothing twice.
    pub(super) looks: tokio::sync::Mutex<Looks>,
}

/// How [`Digester::close`] ended.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use = "what is left was not sent, and nobody else has it"]
pub struct Closed {
    /// How many digests were sent.
    pub sent: usize,
    /// How many were not, and are in the spool: the digester that is built with it next sends them,
    /// with the same ids.
    pub spooled: usize,
    /// How many [`run`](Digester::run) or another call was still sending when time ran out: they are
    /// neither sent nor left.
    pub sending: usize,
    /// Those that were not sent, because the sink failed or time ran out, and are not in the spool as
    /// far as is known, because there is none, or it failed, or time ran out for it as well.
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
    /// How many failures those reported.
    pub dropped_failures: u64,
}

/// A digest that is being sent. A caller that is dropped in the middle leaves it to be sent again.
struct Sending<'d> {
    digester: &'d Inner,
    id: &'d str,
    sent: bool,
}

impl Sending<'_> {
    fn settle(mut self, sent: bool) {
        self.sent = sent;
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        let Inner { machine, clock, settled, .. } = self.digester;
        if self.sent {
            machine.lock().sent(self.id);
        } else {
            machine.lock().failed(self.id, clock.steady());
        }
        settled.notify_waiters();
    }
}

/// How often [`Digester::run`] looks whether something is due.
const TICK: Duration = Duration::from_secs(1);
/// How much of the time for closing is kept for the spool at most.
const RESERVE: Duration = Duration::from_secs(2);

impl Digester {
    /// A builder with the defaults.
    pub fn builder() -> DigesterBuilder {
        DigesterBuilder::default()
    }

    /// `remembered` is what was read of the spool.
    pub(super) fn of(builder: DigesterBuilder, remembered: &Remembered) -> Self {
        let DigesterBuilder { limits, key, clock, random, send_timeout, alarms, spool } = builder;
        let (memory, unread) = remembered.read();
        let mut machine = Machine::new(limits, random, spool.is_some());
        machine.restore(memory, clock.steady());
        let (machine, mirror) = (Mutex::new(machine), Mutex::new(Mirror::of(remembered)));
        let settled = Notify::new();
        let looks = tokio::sync::Mutex::default();
        let inner = Inner { machine, mirror, settled, key, clock, send_timeout, alarms, looks };
        let inner = Arc::new(inner);
        if let Some(spool) = &spool {
            spool.attach(&[DIGESTS, GATHERED, REPORTED], Arc::clone(&inner) as _, unread);
        }
        Self { inner, spool }
    }

    /// Makes digests of `which` gatherings.
    fn make(&self, which: Which) {
        let inner = &*self.inner;
        let made = inner.machine.lock().close(inner.clock.steady(), which);
        if let (Some(spool), false) = (&self.spool, made.is_empty()) {
            spool.signal().news();
        }
        if let Some(alarms) = &inner.alarms {
            for failures in made.into_iter().filter(|failures| *failures > 0) {
                alarms.flushed(failures);
            }
        }
    }

    /// Sends what is due, until it is dropped. Dropping the future at any point loses nothing: a digest that
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
        self.make(Which::Over);
        let (mut sent, mut errors) = (0, Vec::new());
        loop {
            let due = self.inner.machine.lock().next(self.inner.clock.steady());
            let Some(digest) = due else { return (sent, errors) };
            match self.send(sink, &digest).await {
                Ok(()) => sent += 1,
                Err(error) => errors.push(error),
            }
        }
    }

    async fn send<S: Sink + ?Sized>(&self, sink: &S, digest: &Digest) -> Result<(), SinkError> {
        let sending = Sending { digester: &self.inner, id: &digest.id, sent: false };
        let done = match timeout(self.inner.send_timeout, deliver(sink, digest)).await {
            Ok(done) => done,
            Err(elapsed) => Err(elapsed.into()),
        };
        sending.settle(done.is_ok());
        if let (Some(spool), Ok(())) = (&self.spool, &done) {
            // The sooner the spool knows, the less likely it is sent again after a crash.
            spool.signal().news();
        }
        done
    }

    /// Sends everything there is, without waiting for it to be due, each digest once, and ends
    /// after `within` at the latest. What [`run`](Self::run) is sending is waited for, and sent
    /// again if that fails.
    ///
    /// What could not be sent is in the [spool](super::DigesterBuilder::spool), if there is one: it
    /// is written while the sink is busy, and the last quarter of the time, two seconds at most, is
    /// left for seeing that it was. So is what is not [due](super::DigesterBuilder::remind)
    /// yet. Without a spool, all of it is sent, and what is left is given back.
    pub async fn close<S: Sink + ?Sized>(&self, sink: &S, within: Duration) -> Closed {
        let deadline = Instant::now() + within.min(Duration::from_hours(24 * 365));
        self.make(if self.spool.is_some() { Which::Due } else { Which::All });
        let reserve = self.spool.as_ref().map_or(Duration::ZERO, |_| (within / 4).min(RESERVE));
        let sent = self.send_all(sink, deadline - reserve).await;
        let mut closed = Closed { sent, ..Closed::default() };
        if let Some(spool) = &self.spool {
            let left = self.inner.machine.lock().left().len();
            if let Ok(Ok(())) = timeout_at(deadline, spool.flush()).await {
                closed.spooled = left;
                return closed;
            }
            // Nobody has what was gathered, either.
            self.make(Which::All);
            let machine = self.inner.machine.lock();
            closed.left = machine.left();
            return closed;
        }
        let mut machine = self.inner.machine.lock();
        (closed.sending, closed.left) = (machine.sending(), machine.take_left());
        closed
    }

    /// Sends each digest once, until `deadline`. Gives how many were sent.
    async fn send_all<S: Sink + ?Sized>(&self, sink: &S, deadline: Instant) -> usize {
        let mut sent = 0;
        let mut tried = Vec::new();
        loop {
            // Before looking, so that none is missed that ends in between.
            let settled = self.inner.settled.notified();
            let mut settled = std::pin::pin!(settled);
            settled.as_mut().enable();
            let next = self.inner.machine.lock().next_but(&tried);
            if let Some(digest) = next {
                tried.push(digest.id.clone());
                match timeout_at(deadline, self.send(sink, &digest)).await {
                    Ok(Ok(())) => sent += 1,
                    Ok(Err(_)) => {}
                    Err(_) => break,
                }
                continue;
            }
            let others = self.inner.machine.lock().is_sending_another_than(&tried);
            if !others || timeout_at(deadline, settled).await.is_err() {
                break;
            }
        }
        sent
    }

    /// What it counted.
    pub fn counts(&self) -> DigesterCounts {
        let machine = self.inner.machine.lock();
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
        let key = contain(|| (self.inner.key)(record)).unwrap_or_default();
        let canary = self.inner.alarms.as_ref().is_some_and(|alarms| alarms.is_canary(record));
        let what = Occurrence { name: record.grouping.fingerprint, count: 1, seen, canary };
        let now = self.inner.clock.steady();
        self.inner.machine.lock().record(&key, record, what, now);
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digester").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
