//! How a Redis store is built.

use std::time::Duration;

use redis::{Client, RedisError};
use seawall::{ConfigError, Pipeline, PolicyKind, StandardBuilder, WhileDown, policy::Check};
use seawall_capture::MemoryStore;
use seawall_capture::store::{Retention, SpikeConfig};

use crate::connection::Address;
use crate::{Classifier, RedisStore, classify};

/// Builds a [`RedisStore`].
///
/// Every process that shares a store gives it the same name and the same settings.
///
/// | setting | default | why |
/// |---|---|---|
/// | [`address`](Self::address) | `redis://127.0.0.1:6379` | where Redis is when it is on the same machine |
/// | [`name`](Self::name) | `default` | one store for all that share the server |
/// | [`retention`](Self::retention) | 30 days | as in memory: long enough for a look after a holiday |
/// | [`max_groups`](Self::max_groups) | 10,000 | as in memory: more kinds of failure than anybody reads |
/// | [`max_bytes`](Self::max_bytes) | 256 MiB | four times what one process has: it is for many |
/// | [`new_for`](Self::new_for) | 1 min | as in memory: what comes again within a minute is no noise |
/// | [`lease`](Self::lease) | 5 min | longer than any sink that is going to answer |
/// | [`spike`](Self::spike) | [`SpikeConfig::default`] | see there |
/// | [`local_groups`](Self::local_groups) | 10,000 | an outage of Redis rarely has more kinds of failure |
/// | [`local_bytes`](Self::local_bytes) | 16 MiB | a small part of a service's memory; twice as much while it is handed over |
/// | [`interval`](Self::interval) | 1 s | soon enough to be looked at, rare enough to cost the server nothing |
/// | [`remember`](Self::remember) | 24 h | longer than a partition that nobody repaired |
/// | [`pipeline`](Self::pipeline) | [`default_pipeline`](Self::default_pipeline) | see there |
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RedisStoreBuilder {
    address: Result<Address, RedisError>,
    name: String,
    shared: Shared,
    local_groups: usize,
    local_bytes: usize,
    interval: Duration,
    remember: Duration,
    pipeline: StandardBuilder<Classifier>,
}

/// Arguments of the scripts: the same for every process that shares a store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared {
    pub(crate) retention: Retention,
    pub(crate) max_groups: usize,
    pub(crate) max_bytes: usize,
    pub(crate) new_for: Duration,
    pub(crate) lease: Duration,
    pub(crate) spike: SpikeConfig,
}

impl Default for RedisStoreBuilder {
    fn default() -> Self {
        Self {
            address: Address::one("redis://127.0.0.1:6379"),
            name: "default".into(),
            shared: Shared {
                retention: Retention::of(Duration::from_hours(30 * 24)),
                max_groups: 10_000,
                max_bytes: 256 << 20,
                new_for: Duration::from_mins(1),
                lease: Duration::from_mins(5),
                spike: SpikeConfig::default(),
            },
            local_groups: 10_000,
            local_bytes: 16 << 20,
            interval: Duration::from_secs(1),
            remember: Duration::from_hours(24),
            pipeline: Self::default_pipeline(),
        }
    }
}

/// The longest time that a setting may have: its scripts can count that many milliseconds.
const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);

impl RedisStoreBuilder {
    /// The longest that one operation may take, retries included. Only callers that read or take
    /// wait for it; a server that answers at all does so in milliseconds.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

    /// The longest that one attempt may take: three of them fit into the timeout.
    pub const DEFAULT_ATTEMPT_TIMEOUT: Duration = Duration::from_millis(500);

    /// The pipeline that operations go through unless another is [given](Self::pipeline), to start
    /// from when something about it is to be changed: the
    /// [standard pipeline](seawall::StandardPipeline) with shorter timeouts; with retries, as every
    /// operation is applied once however often it is sent; and callers are refused once the server
    /// has answered nothing for [two seconds](Self::DEFAULT_TIMEOUT), as what was recorded is kept in
    /// the process.
    pub fn default_pipeline() -> StandardBuilder<Classifier> {
        Pipeline::standard("redis")
            .idempotent()
            .timeout(Self::DEFAULT_TIMEOUT)
            .attempt_timeout(Self::DEFAULT_ATTEMPT_TIMEOUT)
            .congestion_control(|control| control.while_down(WhileDown::Refuse))
            .classify(classify as Classifier)
    }

    /// Where the server is: `redis://[user:password@]host[:port][/db]` or `redis+unix:///path`;
    /// `rediss://..` where the application has the `redis` crate with one of its TLS features.
    pub fn address(mut self, url: &str) -> Self {
        self.address = Address::one(url);
        self
    }

    /// The server, as the `redis` crate has it: for what an address can't say, such as
    /// certificates.
    pub fn client(mut self, client: Client) -> Self {
        self.address = Ok(Address::One(Box::new(client)));
        self
    }

    /// Nodes of a cluster; some of them are enough.
    #[cfg(feature = "cluster")]
    pub fn cluster<'a>(mut self, urls: impl IntoIterator<Item = &'a str>) -> Self {
        self.address = Address::cluster(urls);
        self
    }

    /// The name of the store: all its keys begin with `{seawall:<name>}:`. Not empty, and without
    /// braces.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// For how long groups are kept, counted from their last occurrence; at most 100 years. With
    /// [`Retention::OFF`] nothing is stored.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.shared.retention = retention;
        self
    }

    /// How many groups are held at most, at least 1.
    pub fn max_groups(mut self, groups: usize) -> Self {
        self.shared.max_groups = groups;
        self
    }

    /// How many bytes groups may take up, at least 1 MiB; lists and what the server needs for
    /// itself come on top.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.shared.max_bytes = bytes;
        self
    }

    /// For how long a group that came once is protected from eviction by what is rare, as long as
    /// such groups hold no more than a quarter of the places.
    pub fn new_for(mut self, time: Duration) -> Self {
        self.shared.new_for = time;
        self
    }

    /// After how long a batch is given back that nobody came back for. Above zero, at most 100
    /// years.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.shared.lease = lease;
        self
    }

    /// When a group is said to spike.
    pub fn spike(mut self, spike: SpikeConfig) -> Self {
        self.shared.spike = spike;
        self
    }

    /// How many groups are kept in the process until the server has them, at least 1.
    pub fn local_groups(mut self, groups: usize) -> Self {
        self.local_groups = groups;
        self
    }

    /// How many bytes they may take up, at least 1 MiB.
    pub fn local_bytes(mut self, bytes: usize) -> Self {
        self.local_bytes = bytes;
        self
    }

    /// How often [`RedisStore::run`] hands over what was recorded. Above zero.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// For how long the server remembers which operation of a process it applied last, counted
    /// from that operation: the bound of "each operation once". Above zero, at most 100 years.
    pub fn remember(mut self, time: Duration) -> Self {
        self.remember = time;
        self
    }

    /// The pipeline that operations go through.
    pub fn pipeline(mut self, pipeline: StandardBuilder<Classifier>) -> Self {
        self.pipeline = pipeline;
        self
    }

    /// Builds the store. Does not connect yet: that is the business of the first operation.
    pub fn build(self) -> Result<RedisStore, ConfigError> {
        let check = Check::of(PolicyKind::Capture);
        let Shared { retention, max_groups, max_bytes, lease, spike, new_for } = self.shared;
        let address = self.address.map_err(|error| {
            let allowed = "the address of a Redis server";
            ConfigError::new(PolicyKind::Capture, "address", error, allowed)
        })?;
        let name = &self.name;
        let plain = !name.is_empty() && !name.contains(['{', '}']);
        check.that(plain, "name", format_args!("{name:?}"), "some text without braces")?;
        let kept = retention.time().unwrap_or_default();
        for (field, time) in [
            ("retention", kept),
            ("new_for", new_for),
            ("lease", lease),
            ("remember", self.remember),
        ] {
            let short = time <= CENTURY;
            check.that(short, field, format_args!("{time:?}"), "at most 100 years")?;
        }
        check.at_least_one("max_groups", u64::try_from(max_groups).unwrap_or(u64::MAX))?;
        check.that(max_bytes >= 1 << 20, "max_bytes", max_bytes, "at least 1 MiB")?;
        check.positive("lease", lease)?;
        check.positive("interval", self.interval)?;
        check.positive("remember", self.remember)?;
        let local = MemoryStore::builder()
            .max_groups(self.local_groups)
            .max_bytes(self.local_bytes)
            .shards((self.local_bytes >> 20).min(self.local_groups).clamp(1, 8))
            .retention(if retention == Retention::OFF { retention } else { Retention::KEEP })
            // Nobody else would come back for it.
            .lease(Duration::MAX)
            .spike(spike)
            .build()
            .map_err(local_field)?;
        let pipeline = self.pipeline.build()?;
        let prefix = format!("{{seawall:{}}}:", self.name);
        Ok(RedisStore::of(crate::store::Parts {
            address,
            prefix,
            shared: self.shared,
            local,
            interval: self.interval,
            remember: self.remember,
            pipeline,
        }))
    }
}

/// The fields of the store in the process have other names here.
fn local_field(mut error: ConfigError) -> ConfigError {
    error.field = match error.field {
        "max_groups" => "local_groups",
        "max_bytes" => "local_bytes",
        field => field,
    };
    error
}
