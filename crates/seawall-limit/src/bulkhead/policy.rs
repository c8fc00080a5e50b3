use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};

use seawall_core::{
    Admission, Admit, Admitted, Attempt, Check, ConfigError, Description, Guarded, Inspect,
    Listeners, Name, Policy, PolicyKind, Rejection, Reporter,
};
use tokio::time::Instant;

use super::shared::Shared;
use super::{Acquire, BulkheadBuilder, OwnedPermit, Permit};
use crate::semaphore::{Demand, MAX_LIMIT, Priority, Wait};

/// Admits a limited number of calls in flight.
///
/// Clones share the limit and differ in what they ask of it: [`with_weight`](Self::with_weight),
/// [`with_priority`](Self::with_priority), [`for_tenant`](Self::for_tenant) and
/// [`partition`](Self::partition) each return a handle on the same bulkhead whose calls ask for
/// something else. See the [chapter](crate::bulkhead).
#[derive(Clone, Debug)]
pub struct Bulkhead {
    pub(super) shared: Arc<Shared>,
    pub(super) reporter: Reporter,
    demand: Demand,
}

/// The state of a bulkhead at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BulkheadSnapshot {
    /// Places taken by calls in flight. After the limit was lowered it can be above it.
    pub in_flight: u32,
    /// The limit.
    pub limit: u32,
    /// How many calls wait.
    pub queued: u32,
    /// How many calls were refused since the bulkhead was built, including those that waited in vain.
    pub refused: u64,
    /// Whether it was closed.
    pub closed: bool,
    /// The partitions.
    pub partitions: Vec<PartitionSnapshot>,
}

/// The state of a partition at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PartitionSnapshot {
    /// Its name.
    pub name: Name,
    /// Its share of the limit, above 0 and at most 1.
    pub share: f64,
    /// Places taken by its calls in flight.
    pub in_flight: u32,
}

impl Bulkhead {
    /// Starts a bulkhead.
    pub fn builder() -> BulkheadBuilder {
        BulkheadBuilder::default()
    }

    pub(super) fn of(shared: Shared, reporter: Reporter) -> Self {
        let headroom = shared.headroom.of(Priority::Normal);
        let demand = Demand { headroom, ..Demand::ONE };
        Self { shared: Arc::new(shared), reporter, demand }
    }

    /// A handle whose calls take `weight` places each.
    pub fn with_weight(&self, weight: u32) -> Result<Self, ConfigError> {
        check_places("weight", weight).map_err(|error| error.of(self.name()))?;
        Ok(self.with(|demand| demand.weight = weight))
    }

    /// A handle whose calls have `priority`.
    pub fn with_priority(&self, priority: Priority) -> Self {
        let headroom = self.shared.headroom.of(priority);
        self.with(|demand| {
            demand.priority = priority;
            demand.headroom = headroom;
        })
    }

    /// A handle whose calls are `tenant`'s: while they wait in a [fair](BulkheadBuilder::fair)
    /// queue they take turns with those of other tenants, however many waiters each has.
    pub fn for_tenant(&self, tenant: impl Hash) -> Self {
        // One for the process: a tenant is the same for every bulkhead, and a client that chooses its
        // name can't choose the tenant it collides with.
        static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let tenant = HASHER.hash_one(tenant);
        self.with(|demand| demand.tenant = tenant)
    }

    /// A handle whose calls belong to the partition `name`; `None` if the bulkhead has none of
    /// that name.
    pub fn partition(&self, name: &str) -> Option<Self> {
        let mut partitions = self.shared.limiter.semaphore.partitions().iter();
        let index = partitions.position(|partition| partition.name.as_str() == name)?;
        let index = u8::try_from(index).ok()?;
        Some(self.with(|demand| demand.partition = Some(index)))
    }

    fn with(&self, change: impl FnOnce(&mut Demand)) -> Self {
        let mut other = self.clone();
        change(&mut other.demand);
        other
    }

    /// A permit, if there is room now and no waiter goes before this call; else a refusal that says
    /// how many calls are in flight and how many wait.
    ///
    /// Takes no place in the queue, needs no runtime and works in blocking code.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, Rejection> {
        match self.shared.limiter.semaphore.try_acquire(&self.demand) {
            Ok(_) => Ok(Permit::new(self)),
            Err(word) if word.has_waiters() => self.try_acquire_first(),
            Err(word) => Err(self.shared.limiter.refuse_full(&self.reporter, word)),
        }
    }

    // Where others wait, but perhaps none that goes before this call.
    #[cold]
    #[inline(never)]
    fn try_acquire_first(&self) -> Result<Permit<'_>, Rejection> {
        let limiter = &self.shared.limiter;
        if limiter.semaphore.try_acquire_first(&self.demand) {
            return Ok(Permit::new(self));
        }
        Err(limiter.refuse_full(&self.reporter, limiter.semaphore.word()))
    }

    /// [`try_acquire`](Self::try_acquire), borrowing nothing.
    pub fn try_acquire_owned(&self) -> Result<OwnedPermit, Rejection> {
        self.try_acquire().map(Permit::into_owned)
    }

    /// A permit as soon as there is one, within the longest wait. Without a queue it is granted or
    /// refused at once.
    pub const fn acquire(&self) -> Acquire<'_> {
        Acquire::new(self)
    }

    /// [`acquire`](Self::acquire), borrowing nothing, neither while it waits nor after.
    ///
    /// # Cancel safety
    ///
    /// As with `acquire`.
    pub fn acquire_owned(
        &self,
    ) -> impl Future<Output = Result<OwnedPermit, Rejection>> + Send + use<> {
        let bulkhead = self.clone();
        async move { bulkhead.acquire().await.map(Permit::into_owned) }
    }

    /// Runs `future` once there is room for it. Its permit comes back when it is over or dropped.
    pub fn call<Fut, T, E>(&self, future: Fut) -> Guarded<'_, Self, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Guarded::new(self, future)
    }

    /// Sets another limit. If it is higher, as many waiters as fit start at once. If it is lower,
    /// calls in flight go on, no other starts until there is room below the new limit, and waiters
    /// that weigh more than it are refused.
    ///
    /// Refuses 0 and what is above 1,073,741,823.
    pub fn set_limit(&self, limit: u32) -> Result<(), ConfigError> {
        check_places("limit", limit).map_err(|error| error.of(self.name()))?;
        self.shared.limiter.resize(&self.reporter, limit);
        Ok(())
    }

    /// Refuses every call from now on with "shutting down", including those that wait. Calls in
    /// flight go on.
    pub fn close(&self) {
        self.shared.limiter.semaphore.close();
    }

    /// Its state now.
    pub fn snapshot(&self) -> BulkheadSnapshot {
        let limiter = &self.shared.limiter;
        let word = limiter.semaphore.word();
        BulkheadSnapshot {
            in_flight: word.in_flight(),
            limit: word.limit(),
            queued: limiter.semaphore.waiters(),
            refused: limiter.refused.load(Ordering::Relaxed),
            closed: word.is_closed(),
            partitions: limiter.semaphore.partitions().iter().map(PartitionSnapshot::of).collect(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        self.reporter.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.reporter.listeners()
    }

    /// How many places a call of this handle takes.
    pub const fn weight(&self) -> u32 {
        self.demand.weight
    }

    #[inline]
    pub(super) fn acquire_by(&self, deadline: Option<Instant>) -> Admission<(), Wait<'_>> {
        self.shared.limiter.acquire(&self.reporter, &self.demand, deadline)
    }

    #[inline]
    pub(super) fn release(&self) {
        self.shared.limiter.semaphore.release(&self.demand);
    }
}

pub(super) fn check_places(field: &'static str, places: u32) -> Result<(), ConfigError> {
    let fits = (1..=MAX_LIMIT).contains(&places);
    let check = Check::of(PolicyKind::Bulkhead);
    check.that(fits, field, places, "between 1 and 1,073,741,823")
}

impl PartitionSnapshot {
    fn of(partition: &crate::semaphore::Partition) -> Self {
        Self {
            name: partition.name.clone(),
            share: partition.share,
            in_flight: partition.in_flight(),
        }
    }
}

impl Admit for Bulkhead {
    type Permit<'p> = Permit<'p>;
    type Wait<'p> = Acquire<'p>;

    #[inline]
    fn try_admit(&self, _: &mut Attempt) -> Option<Permit<'_>> {
        let entered = self.shared.limiter.semaphore.try_acquire(&self.demand).is_ok();
        entered.then(|| Permit::new(self))
    }

    fn admit(&self, attempt: &mut Attempt) -> Admission<Permit<'_>, Acquire<'_>> {
        match self.acquire_by(attempt.deadline()) {
            Admission::Granted(()) => Admission::Granted(Permit::new(self)),
            Admission::Waiting(wait) => Admission::Waiting(Acquire::waiting(self, wait)),
            Admission::Refused(rejection) => Admission::Refused(rejection),
        }
    }
}

impl Policy for Bulkhead {
    type Wrapped<'p, Op> = Admitted<'p, Self, Op>;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Admitted::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        let longest = match self.shared.limiter.longest_wait {
            None => inner.longest(),
            Some(wait) => inner.longest().and_then(|longest| longest.checked_add(wait)),
        };
        let text = format!("at most {} in flight{}", self.snapshot().limit, self.shared.text);
        inner
            .layer_with(PolicyKind::Bulkhead, self.name(), text, self.settings())
            .with_fact("weight", self.demand.weight)
            .with_longest(longest)
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        each(Arc::new(self.clone()));
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { reporter: self.reporter.heard_by(listeners), ..self }
    }
}
