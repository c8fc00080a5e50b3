//! The store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{FromRedisValue, RedisError};
use seawall::{Class, ConfigError, Error, StandardPipeline};
use seawall_capture::store::{
    Batch, BatchId, Filter, Group, Mute, Resolution, Retention, Seen, Store, StoreError,
    StoreFuture, Totals,
};
use seawall_capture::{Fingerprint, MemoryStore, Record};
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::connection::{Address, Connection};
use crate::outbox::Outbox;
use crate::scripts::{Arguments, Scripts, millis};
use crate::{Classifier, RedisStoreBuilder};

/// How many groups are read or taken in one step.
const PAGE: usize = 64;
/// How many merges are remembered, as in one shard in memory.
const MAX_ALIASES: usize = 1_024;
/// For how long answers to takers and markers are remembered: many times as long as a call goes on
/// trying.
const ANSWERS: Duration = Duration::from_mins(10);

mod read;
mod send;
mod take;

/// Keeps failures in Redis, for as many processes as share its name. Clones share it.
///
/// See the [chapter](crate) for what it promises.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    /// What was recorded and is not on its way yet.
    local: MemoryStore,
    /// What is on its way. The lock is held while it is sent, which is what it is there for: one
    /// process sends one thing after the other.
    outbox: Mutex<Outbox>,
    /// Names this process to the server.
    client: String,
    connection: Connection,
    scripts: Scripts,
    pipeline: StandardPipeline<Classifier>,
    interval: Duration,
    remember: Duration,
    off: bool,
}

/// What a store is made of.
pub(crate) struct Parts {
    pub(crate) address: Address,
    pub(crate) prefix: String,
    pub(crate) shared: crate::config::Shared,
    pub(crate) local: MemoryStore,
    pub(crate) interval: Duration,
    pub(crate) remember: Duration,
    pub(crate) pipeline: StandardPipeline<Classifier>,
}

impl RedisStore {
    /// A builder with the defaults.
    pub fn builder() -> RedisStoreBuilder {
        RedisStoreBuilder::default()
    }

    /// A store with the defaults, on the server at `address`.
    pub fn at(address: &str) -> Result<Self, ConfigError> {
        Self::builder().address(address).build()
    }

    pub(crate) fn of(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            local: parts.local,
            outbox: Mutex::new(Outbox::new()),
            client: format!("{:032x}", rand::random::<u128>()),
            connection: Connection::new(parts.address),
            scripts: Scripts::new(parts.prefix, &parts.shared),
            pipeline: parts.pipeline,
            interval: parts.interval,
            remember: parts.remember,
            off: parts.shared.retention == Retention::OFF,
        }))
    }

    /// Hands over what was recorded, at each interval, until it is dropped. Has to be spawned once in each
    /// process; dropping the future at any point loses nothing.
    ///
    /// A server that is away is tried again after the [interval](RedisStoreBuilder::interval);
    /// listeners of the [pipeline](RedisStoreBuilder::pipeline) receive its events.
    pub async fn run(&self) {
        loop {
            sleep(self.0.interval).await;
            let _reported_to_listeners = self.sync().await;
        }
    }

    /// What is held in this process: recorded, and not known to have arrived. `in_flight` is on its
    /// way, `delivered` is what arrived.
    pub fn local(&self) -> Totals {
        self.0.local.totals()
    }

    /// The pipeline that all operations go through.
    pub fn pipeline(&self) -> &StandardPipeline<Classifier> {
        &self.0.pipeline
    }

    /// Ends when what was recorded before has arrived.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the server can't be reached in time, or refuses: what did not arrive
    /// is kept, and sent again by the next call.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost, and nothing is counted twice.
    pub async fn sync(&self) -> Result<(), StoreError> {
        let mut outbox = self.0.outbox.lock().await;
        self.0.send(&mut outbox).await?;
        outbox.fill(&self.0.local)?;
        self.0.send(&mut outbox).await
    }
}

impl Inner {
    /// Runs a script by way of the pipeline.
    async fn call<T: FromRedisValue>(&self, script: &Arguments<'_>) -> Result<T, StoreError> {
        let done = self.pipeline.call(|| self.connection.invoke(&script.0)).await;
        done.map_err(|error| {
            if let Error::TimedOut(_) = error.last() {
                self.connection.forget();
            }
            failed(error)
        })
    }

    /// An operation that is applied once and answers yes or no.
    fn once<'s>(&'s self, script: &'s redis::Script) -> Arguments<'s> {
        let name = format!("{:032x}", rand::random::<u128>());
        self.scripts.invoke(script).and(name).and(millis(ANSWERS))
    }
}

/// Why an operation was not done.
fn failed(error: Error<RedisError>) -> StoreError {
    match error.operation() {
        // The server is there, but what it says makes no sense.
        Some(cause) if error.class() == Class::Permanent && is_broken(cause) => {
            StoreError::Corrupt(cause.to_string())
        }
        _ => StoreError::Unavailable(Box::new(error)),
    }
}

fn is_broken(error: &RedisError) -> bool {
    use redis::{ErrorKind, ServerErrorKind};
    match error.kind() {
        ErrorKind::Parse
        | ErrorKind::UnexpectedReturnType
        | ErrorKind::Server(ServerErrorKind::ResponseError) => true,
        ErrorKind::Extension => error.code() == Some("WRONGTYPE"),
        _ => false,
    }
}

impl Store for RedisStore {
    /// Counts an occurrence in this process; [`run`](Self::run) and [`sync`](Self::sync) hand it
    /// over. A group that this process did not see before is [`Seen::Queued`]: whether it is new is
    /// for the server to say.
    fn record(&self, record: &Record) -> Seen {
        match self.0.local.record(record) {
            Seen::New => Seen::Queued,
            seen => seen,
        }
    }

    fn sync(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.sync())
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> StoreFuture<'a, Vec<Group>> {
        Box::pin(self.0.list(filter))
    }

    fn group(&self, fingerprint: Fingerprint) -> StoreFuture<'_, Option<Group>> {
        Box::pin(self.0.group(fingerprint))
    }

    fn totals(&self) -> StoreFuture<'_, Totals> {
        Box::pin(async move {
            let mut totals = self.0.totals().await?;
            if self.0.off {
                let dropped = self.local().dropped.retention_off;
                totals.dropped.retention_off = dropped;
                totals.recorded += dropped;
            }
            Ok(totals)
        })
    }

    fn take(&self, max: usize) -> StoreFuture<'_, Batch> {
        Box::pin(async move {
            self.sync().await?;
            self.0.take(max).await
        })
    }

    fn acknowledge(&self, batch: BatchId) -> StoreFuture<'_, bool> {
        let script = self.0.once(&self.0.scripts.acknowledge).text(batch.0);
        Box::pin(async move { self.0.call(&script).await })
    }

    fn put_back(&self, batch: BatchId) -> StoreFuture<'_, bool> {
        Box::pin(self.0.put_back(batch))
    }

    fn resolve(&self, fingerprint: Fingerprint, resolution: Resolution) -> StoreFuture<'_, bool> {
        let script = self.0.once(&self.0.scripts.resolve).text(fingerprint);
        // Bounded, however it was made.
        let version =
            resolution.version.and_then(|version| Resolution::in_version(version).version);
        let script = script.and(u8::from(version.is_some())).and(version.unwrap_or_default());
        self.after_sync(script)
    }

    fn mute(&self, fingerprint: Fingerprint, mute: Option<Mute>) -> StoreFuture<'_, bool> {
        let script = self.0.once(&self.0.scripts.mute).text(fingerprint);
        let Mute { until, period, .. } = mute.unwrap_or(Mute::FOREVER);
        let least = until.map_or(-1, |least| i64::try_from(least).unwrap_or(i64::MAX));
        let script = script.and(u8::from(mute.is_some())).and(least).and(millis(period));
        self.after_sync(script)
    }

    fn merge(&self, from: Fingerprint, into: Fingerprint) -> StoreFuture<'_, bool> {
        let script = self.0.once(&self.0.scripts.merge).text(from).text(into).and(MAX_ALIASES);
        self.after_sync(script)
    }
}

impl RedisStore {
    /// Marks what this process recorded before too.
    fn after_sync<'s>(&'s self, script: Arguments<'s>) -> StoreFuture<'s, bool> {
        Box::pin(async move {
            self.sync().await?;
            self.0.call(&script).await
        })
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("local", &self.local()).finish_non_exhaustive()
    }
}
