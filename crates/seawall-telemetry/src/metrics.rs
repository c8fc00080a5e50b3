//! Metrics: read when somebody asks, not pushed when something happens.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use seawall::capture::store::Totals;
use seawall::policy::{Inspect, InspectId, contain};
use seawall::shutdown::Readiness;
use seawall::{Name, Pipeline, Policy, Registry, RegistryError};

use cell::{CallResult, Cell};
use ledger::{Ledger, OTHER};
use policy_series::PolicySeries;
use series::Key;

use crate::context;
use crate::instrument::{self as i, Instrument};

pub use cell::Outcome;
pub use measured::{Measured, MeasuredCall, MeasuredFuture, MeasuredPipeline};
pub use series::{Buckets, Reading, Series, Value};

mod cell;
mod ledger;
mod measured;
mod policy_series;
mod series;

/// Reads the registered policies, and counts calls and attempts. Clones are one.
///
/// See the [chapter](crate) for what it exports, and [`text`](Self::text) for the exposition.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Shared>);

#[derive(Default)]
struct Shared {
    registry: Registry,
    state: Mutex<State>,
}

/// What one reading may not see change.
#[derive(Default)]
struct State {
    calls: Cells,
    attempts: Cells,
    ledger: Ledger,
    readiness: Option<Readiness>,
    stores: BTreeMap<Name, Arc<StoreTotals>>,
}

type StoreTotals = dyn Fn() -> Option<Totals> + Send + Sync;

/// The counters of each pipeline.
#[derive(Default)]
struct Cells {
    named: BTreeMap<Name, Arc<Cell>>,
    /// That of all beyond the limit.
    other: Option<Arc<Cell>>,
}

/// The parts of a pipeline that are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Calls,
    Attempts,
}

impl Metrics {
    /// How many policies of a kind, and how many pipelines, have series of their own. The others are
    /// summed under the name `other`.
    pub const MAX_NAMES: usize = 256;

    /// Metrics of the policies in `registry`.
    pub fn of(registry: &Registry) -> Self {
        Self(Arc::new(Shared { registry: registry.clone(), ..Shared::default() }))
    }

    /// The policies that are read.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Registers the policies of `pipeline`, and counts its calls and attempts from now on: with a
    /// layer around all others and one right around the operation. Accessors such as
    /// [`breaker`](seawall::StandardPipeline::breaker) are on `pipeline.policy().inner.outer`, or on
    /// the pipeline before.
    ///
    /// ```
    /// use seawall::Pipeline;
    /// use seawall_telemetry::{Metrics, Value, instrument};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let metrics = Metrics::default();
    /// let pipeline = metrics.measure(Pipeline::standard("stock").build()?)?;
    /// pipeline.call(async || Ok::<_, std::io::Error>(42)).await?;
    ///
    /// let calls = metrics.read().get(&instrument::CALLS, &["stock", "success"]).cloned();
    /// assert_eq!(calls, Some(Value::Count(1)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Registry::register`].
    pub fn measure<P: Policy, C>(
        &self,
        pipeline: Pipeline<P, C>,
    ) -> Result<MeasuredPipeline<P, C>, RegistryError> {
        self.0.registry.register(&pipeline)?;
        let (calls, attempts) = (self.calls(pipeline.name()), self.attempts(pipeline.name()));
        Ok(pipeline.between(calls, attempts))
    }

    /// A layer that counts calls under the name `pipeline`: put it outermost. Two of the same name
    /// count together.
    pub fn calls(&self, pipeline: impl Into<Name>) -> Measured {
        self.measured(Part::Calls, pipeline.into())
    }

    /// A layer that counts attempts under the name `pipeline`: put it innermost.
    pub fn attempts(&self, pipeline: impl Into<Name>) -> Measured {
        self.measured(Part::Attempts, pipeline.into())
    }

    fn measured(&self, part: Part, name: Name) -> Measured {
        let mut state = self.0.state.lock();
        let State { calls, attempts, ledger, .. } = &mut *state;
        let cells = if part == Part::Calls { calls } else { attempts };
        let has_series = ledger.group(part.group()).has_series(&name, Self::MAX_NAMES);
        let cell = if has_series {
            cells.named.entry(name).or_default()
        } else {
            cells.other.get_or_insert_default()
        };
        Measured { cell: Arc::clone(cell) }
    }

    /// Removes the policies of `pipeline` and what was counted of it: the next reading has neither.
    /// Calls under way are counted no more. What was summed under the name `other` stays.
    pub fn remove<P: Policy, C>(&self, pipeline: &Pipeline<P, C>) {
        self.0.registry.remove(pipeline);
        let name = pipeline.name();
        let mut state = self.0.state.lock();
        let State { calls, attempts, ledger, .. } = &mut *state;
        for (part, cells) in [(Part::Calls, calls), (Part::Attempts, attempts)] {
            cells.named.remove(name);
            ledger.group(part.group()).retain(|it| it != name);
        }
    }

    /// Shows whether the process takes new work, as `seawall_ready`.
    pub fn watch_readiness(&self, readiness: Readiness) {
        self.0.state.lock().readiness = Some(readiness);
    }

    /// Shows what a store of captured failures counts, under the name `store`. `totals` is asked at each
    /// reading, before any lock is taken; where it gives nothing, the store has no series.
    ///
    /// ```
    /// use seawall::capture::MemoryStore;
    ///
    /// let store = MemoryStore::default();
    /// let metrics = seawall_telemetry::Metrics::default();
    /// metrics.watch_store("failures", move || Some(store.totals()));
    /// assert!(metrics.text(Default::default()).contains("seawall_capture_groups{store=\"failures\"} 0"));
    /// ```
    pub fn watch_store(
        &self,
        store: impl Into<Name>,
        totals: impl Fn() -> Option<Totals> + Send + Sync + 'static,
    ) {
        let mut state = self.0.state.lock();
        let name = store.into();
        let has_series = state.ledger.group("stores").has_series(&name, Self::MAX_NAMES);
        if has_series {
            state.stores.insert(name, Arc::new(totals));
        }
    }

    /// Reads everything: each policy once, under its own lock, so that what belongs together fits
    /// together. Calls no code of the user's and no dependency.
    pub fn read(&self) -> Reading {
        let mut reading = Reading::default();
        let stores = self.0.state.lock().stores.clone();
        for (name, totals) in &stores {
            read_store(name, &**totals, &mut reading);
        }
        let mut guard = self.0.state.lock();
        let state = &mut *guard;
        state.read_policies(&self.0.registry, &mut reading);
        for (part, cells) in [(Part::Calls, &state.calls), (Part::Attempts, &state.attempts)] {
            for (name, cell) in &cells.named {
                read_cell(part, name, cell, &mut reading);
            }
            if let Some(cell) = &cells.other {
                read_cell(part, &Name::from(OTHER), cell, &mut reading);
            }
        }
        if let Some(readiness) = &state.readiness {
            let ready = Value::Gauge(f64::from(u8::from(readiness.is_ready())));
            reading.add(Key::unnamed(&i::READY, ""), ready);
        }
        for (group, names) in state.ledger.groups() {
            let overflowed = Value::Count(names.overflowed());
            reading.add(Key::unnamed(&i::OVERFLOW, group), overflowed);
        }
        for (header, replaced) in context::replaced() {
            reading.add(Key::unnamed(&i::REPLACED, header), Value::Count(replaced));
        }
        reading.add(Key::unnamed(&i::INFO, env!("CARGO_PKG_VERSION")), Value::Gauge(1.0));
        reading
    }
}

impl State {
    fn read_policies(&mut self, registry: &Registry, reading: &mut Reading) {
        let mut seen = HashSet::new();
        let mut names: BTreeMap<&'static str, HashSet<Name>> = BTreeMap::new();
        registry.each(|policy| {
            let (group, name) = (policy.policy_kind().label(), policy.name());
            names.entry(group).or_default().insert(name.clone());
        });
        for (group, names_of_group) in self.ledger.groups() {
            if !Part::is_group(group) && group != "stores" {
                let names = names.get(group);
                names_of_group.retain(|it| names.is_some_and(|names| names.contains(it)));
            }
        }
        for counter in [&i::LISTENER_PANICS, &i::EVENTS_DROPPED] {
            reading.add(Key::unnamed(counter, ""), Value::Count(0));
        }
        registry.each(|policy| {
            let group = self.ledger.group(policy.policy_kind().label());
            if group.has_series(policy.name(), Metrics::MAX_NAMES) {
                PolicySeries::read(policy, policy.name(), reading);
            } else {
                let mut shows = Reading::default();
                PolicySeries::read(policy, &Name::from(OTHER), &mut shows);
                self.ledger.fold(policy.id(), shows, reading);
            }
            seen.insert(policy.id());
            self.read_listeners(policy, &mut seen, reading);
        });
        self.ledger.finish(&seen, reading);
    }

    /// Several policies may have one set of listeners.
    fn read_listeners(
        &mut self,
        policy: &dyn Inspect,
        seen: &mut HashSet<InspectId>,
        reading: &mut Reading,
    ) {
        let listeners = policy.listeners();
        if seen.insert(listeners.id()) {
            let mut shows = Reading::default();
            let panics = Value::Count(listeners.panics());
            shows.add(Key::unnamed(&i::LISTENER_PANICS, ""), panics);
            let dropped = Value::Count(listeners.dropped());
            shows.add(Key::unnamed(&i::EVENTS_DROPPED, ""), dropped);
            self.ledger.fold(listeners.id(), shows, reading);
        }
    }
}

/// A store that panics has no series.
fn read_store(name: &Name, totals: &StoreTotals, reading: &mut Reading) {
    let Ok(Some(totals)) = contain(totals) else { return };
    let mut put = |instrument, value| reading.add(Key::new(instrument, name, ["", ""]), value);
    #[expect(clippy::cast_precision_loss, reason = "a number of groups")]
    put(&i::CAPTURE_GROUPS, Value::Gauge(totals.groups as f64));
    put(&i::CAPTURE_RECORDED, Value::Count(totals.recorded));
    put(&i::CAPTURE_DELIVERED, Value::Count(totals.delivered));
    put(&i::CAPTURE_DROPPED, Value::Count(totals.dropped.total()));
    put(&i::CAPTURE_EVICTED, Value::Count(totals.evicted));
}

fn read_cell(part: Part, name: &Name, cell: &Cell, reading: &mut Reading) {
    for outcome in Outcome::ALL {
        let key = Key::new(part.total(), name, [outcome.as_str(), ""]);
        reading.add(key, Value::Count(cell.total(outcome)));
    }
    for result in CallResult::ALL {
        let key = Key::new(part.seconds(), name, [result.as_str(), ""]);
        reading.add(key, Value::Histogram(cell.times(result)));
    }
}

impl Part {
    const fn group(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Attempts => "attempts",
        }
    }

    fn is_group(group: &str) -> bool {
        [Self::Calls, Self::Attempts].iter().any(|part| part.group() == group)
    }

    const fn total(self) -> &'static Instrument {
        match self {
            Self::Calls => &i::CALLS,
            Self::Attempts => &i::ATTEMPTS,
        }
    }

    const fn seconds(self) -> &'static Instrument {
        match self {
            Self::Calls => &i::CALL_SECONDS,
            Self::Attempts => &i::ATTEMPT_SECONDS,
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("registry", &self.0.registry).finish_non_exhaustive()
    }
}
