use std::time::Duration;

use seawall_core::{Check, ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind, Setup};
use tokio_util::sync::CancellationToken;

use super::policy::check_places;
use super::shared::Shared;
use super::{Bulkhead, defaults};
use crate::semaphore::{
    CoDel, Headroom, Limiter, Order, Partition, Partitions, Priority, QueueConfig, Semaphore,
    Shares,
};

const MAX_PARTITIONS: usize = 64;

/// Builds a [`Bulkhead`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct BulkheadBuilder {
    setup: Setup,
    limit: u32,
    queue: Option<(u32, Duration)>,
    order: Order,
    fair: bool,
    codel: Option<CoDel>,
    partitions: Vec<(Name, f64)>,
    shares: Shares,
}

impl Default for BulkheadBuilder {
    fn default() -> Self {
        Self {
            setup: Setup::default(),
            limit: defaults::LIMIT,
            queue: None,
            order: Order::Fifo,
            fair: false,
            codel: None,
            partitions: Vec::new(),
            shares: Shares::default(),
        }
    }
}

impl BulkheadBuilder {
    /// Its name in errors, events and metrics. Default: the pipeline's, or "bulkhead".
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// How many calls may be in flight: between 1 and 1,073,741,823. Default:
    /// [25](defaults::LIMIT).
    pub const fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Lets up to `capacity` calls wait, each for at most `longest_wait` and never past its
    /// deadline. [`Duration::MAX`] sets no limit to the wait. Default: no queue.
    pub const fn queue(mut self, capacity: u32, longest_wait: Duration) -> Self {
        self.queue = Some((capacity, longest_wait));
        self
    }

    /// Serves the latest waiter first. In an overload the oldest have the least time left, so this
    /// serves more calls in time; some wait for the longest wait in vain. Default: first come, first
    /// served.
    pub const fn lifo(mut self) -> Self {
        self.order = Order::Lifo;
        self
    }

    /// Serves the most important waiters first. When the queue is full, a more important call takes
    /// the place of the least important waiter. Default: first come, first served.
    pub const fn by_priority(mut self) -> Self {
        self.order = Order::Priority;
        self
    }

    /// Lets tenants take turns in the queue (within a priority): a tenant with a thousand waiters is
    /// served no more often than one with a single waiter. A call that gives up leaves its turn to the
    /// next of its tenant. Default: off.
    pub const fn fair(mut self) -> Self {
        self.fair = true;
        self
    }

    /// Drops waiters that have waited for longer than `target` once the queue has not been empty
    /// for `interval`, as `CoDel` does. Facebook uses 5 ms and 100 ms. Default: off.
    pub const fn codel(mut self, target: Duration, interval: Duration) -> Self {
        self.codel = Some(CoDel { target, interval });
        self
    }

    /// Gives a part of the calls a share of the limit, above 0 and at most 1; the shares of all
    /// partitions are at most 1 in sum. Others may use what a partition does not use; its waiters are
    /// served before those of partitions that have their share. Needs a [`queue`](Self::queue): a
    /// place that others use comes back when their call is over, and the partition has to wait for it.
    pub fn partition(mut self, name: impl Into<Name>, share: f64) -> Self {
        self.partitions.push((name.into(), share));
        self
    }

    /// Lets calls of `priority` use only a part of the limit, above 0 and at most 1, so that they
    /// are the first to be refused when load rises. The rest of the limit is rounded up to 65,536ths
    /// and then down to whole places. Needs either no queue or [`by_priority`](Self::by_priority); a
    /// higher priority can't have less than a lower one.
    pub fn priority_share(mut self, priority: Priority, part: f64) -> Self {
        self.shares.set(priority, part);
        self
    }

    /// The listeners that receive its events. Default: the pipeline's.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Once `token` is cancelled, calls that wait or would have to are refused with "shutting down".
    /// Calls for which there is room are still admitted: the pipeline refuses those, or
    /// [`Bulkhead::close`] does.
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.setup.shutdown(token);
        self
    }

    /// Builds the bulkhead. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Bulkhead, ConfigError> {
        let setup = self.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<Bulkhead, ConfigError> {
        let check = Check::of(PolicyKind::Bulkhead);
        check_places("limit", self.limit)?;
        self.check_queue(check)?;
        let partitions = self.partitions(check)?;
        let headroom = self.headroom(check)?;
        let text = self.text();
        let (capacity, longest_wait) = self.queue.unzip();
        let queue = QueueConfig {
            capacity: capacity.unwrap_or(0),
            order: self.order,
            fair: self.fair,
            codel: self.codel,
        };
        let semaphore = Semaphore::new(self.limit, queue, partitions);
        let limiter = Limiter {
            shutdown: self.setup.token().cloned(),
            longest_wait,
            ..Limiter::new(semaphore)
        };
        let reporter = self.setup.reporter(PolicyKind::Bulkhead)?;
        Ok(Bulkhead::of(Shared { limiter, headroom, text }, reporter))
    }

    fn check_queue(&self, check: Check) -> Result<(), ConfigError> {
        if let Some((capacity, longest_wait)) = self.queue {
            check.at_least_one("queue", capacity)?;
            check.positive("longest_wait", longest_wait)?;
            return self.check_codel(check);
        }
        let needs = [
            ("lifo", self.order == Order::Lifo),
            ("by_priority", self.order == Order::Priority),
            ("fair", self.fair),
            ("codel", self.codel.is_some()),
            ("partition", !self.partitions.is_empty()),
        ];
        for (field, is_set) in needs {
            check.that(!is_set, field, "set", "left out where there is no queue")?;
        }
        Ok(())
    }

    fn check_codel(&self, check: Check) -> Result<(), ConfigError> {
        let Some(codel) = self.codel else {
            return Ok(());
        };
        check.positive("codel target", codel.target)?;
        check.positive("codel interval", codel.interval).map(drop)
    }

    fn partitions(&self, check: Check) -> Result<Partitions, ConfigError> {
        let count = self.partitions.len();
        check.that(count <= MAX_PARTITIONS, "partition", count, "at most 64 in number")?;
        let mut partitions: Vec<Partition> = Vec::with_capacity(count);
        let mut sum = 0.0;
        for (name, share) in &self.partitions {
            let name = check.name(name.clone())?;
            let new = partitions.iter().all(|other| other.name != name);
            check.that(new, "partition", &name, "named differently from the others")?;
            sum += check.rate("partition", *share)?;
            partitions.push(Partition::new(name, *share));
        }
        // Shares such as three times 0.1 and one of 0.7 are 1 only up to rounding.
        check.that(sum <= 1.0 + 1e-9, "partition", sum, "at most 1 in sum")?;
        Ok(Partitions::new(partitions))
    }

    fn headroom(&self, check: Check) -> Result<Headroom, ConfigError> {
        let queue_fits = self.queue.is_none() || self.order == Order::Priority;
        let fits = self.shares.is_empty() || queue_fits;
        check.that(fits, "priority_share", "set", "left out where a queue is not by priority")?;
        self.shares.headroom(check)
    }

    fn text(&self) -> String {
        let Some((capacity, longest_wait)) = self.queue else {
            return String::new();
        };
        let order = match self.order {
            Order::Fifo => "first come first served",
            Order::Lifo => "last come first served",
            Order::Priority => "by priority",
        };
        let wait = match longest_wait {
            Duration::MAX => String::from("without limit"),
            longest => format!("{longest:?} at the longest"),
        };
        format!(", {capacity} more may wait {wait}, {order}")
    }
}

impl Layer for BulkheadBuilder {
    type Policy = Bulkhead;

    fn into_policy(mut self, context: &LayerContext) -> Result<Bulkhead, ConfigError> {
        self.setup = self.setup.fill(context);
        self.build()
    }
}
