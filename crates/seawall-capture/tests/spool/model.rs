//! A store with a spool against a map that never forgets: what a restart changes is nothing.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use seawall_capture::spool::Durability;
use seawall_capture::store::{BatchId, Filter, Resolution, Seen};
use seawall_capture::{Fingerprint, MemoryStore, Spool};

use super::{Folder, record};

const KINDS: u8 = 6;

#[derive(Clone, Debug)]
enum Step {
    Record(u8),
    Take(usize),
    Acknowledge(usize),
    PutBack(usize),
    Resolve(u8),
    Merge(u8, u8),
    Flush,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..KINDS).prop_map(Step::Record),
        2 => (0_usize..4).prop_map(Step::Take),
        1 => (0_usize..3).prop_map(Step::Acknowledge),
        1 => (0_usize..3).prop_map(Step::PutBack),
        1 => (0..KINDS).prop_map(Step::Resolve),
        1 => (0..KINDS, 0..KINDS).prop_map(|(from, into)| Step::Merge(from, into)),
        1 => Just(Step::Flush),
        1 => Just(Step::Restart),
    ]
}

/// What a store with room for all should hold.
#[derive(Default)]
struct Model {
    held: BTreeMap<u8, u64>,
    known: BTreeSet<u8>,
    resolved: BTreeSet<u8>,
    merged: BTreeMap<u8, u8>,
    batches: Vec<(BatchId, Vec<(u8, u64)>)>,
}

impl Model {
    fn name(&self, kind: u8) -> u8 {
        self.merged.get(&kind).map_or(kind, |into| self.name(*into))
    }

    fn record(&mut self, kind: u8) -> Seen {
        let name = self.name(kind);
        *self.held.entry(name).or_default() += 1;
        if self.known.insert(name) {
            Seen::New
        } else if self.resolved.remove(&name) {
            Seen::Regressed
        } else {
            Seen::Known
        }
    }

    fn put_back(&mut self, taken: Vec<(u8, u64)>) {
        for (kind, count) in taken {
            let name = self.name(kind);
            *self.held.entry(name).or_default() += count;
            self.known.insert(name);
        }
    }

    fn merge(&mut self, from: u8, into: u8) -> bool {
        let (from, into) = (self.name(from), self.name(into));
        if from == into || !self.known.remove(&into) {
            return false;
        }
        self.known.remove(&from);
        self.known.insert(into);
        self.resolved.remove(&from);
        self.merged.insert(from, into);
        if let Some(count) = self.held.remove(&from) {
            *self.held.entry(into).or_default() += count;
        }
        true
    }
}

struct Bench {
    folder: Folder,
    store: Option<(Spool, MemoryStore)>,
    names: Vec<Fingerprint>,
    model: Model,
}

impl Bench {
    fn new() -> Self {
        let names = (0..KINDS).map(|kind| named(kind).grouping.fingerprint).collect();
        let mut bench = Self { folder: Folder::new(), store: None, names, model: Model::default() };
        bench.restart();
        bench
    }

    fn restart(&mut self) {
        self.store = None;
        let builder = Spool::builder(self.folder.spool()).durability(Durability::Process);
        let spool = builder.open().unwrap();
        let store = MemoryStore::builder().shards(2).spool(&spool).build().unwrap();
        self.store = Some((spool, store));
        for (_, taken) in std::mem::take(&mut self.model.batches) {
            self.model.put_back(taken);
        }
    }

    fn kind(&self, name: Fingerprint) -> u8 {
        u8::try_from(self.names.iter().position(|known| *known == name).unwrap()).unwrap()
    }

    async fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        let (spool, store) = self.store.clone().unwrap();
        let name = |kind: u8| self.names[usize::from(kind)];
        match step {
            Step::Record(kind) => {
                // The spool's thread may have the shard just then.
                let (seen, wanted) = (store.record(&named(kind)), self.model.record(kind));
                prop_assert!(
                    seen == wanted || seen == Seen::Queued,
                    "{:?}, not {:?}",
                    seen,
                    wanted
                );
            }
            Step::Take(most) => {
                let batch = store.take(most).unwrap();
                let taken = batch.groups.iter().map(|g| (self.kind(g.fingerprint), g.count));
                let taken: Vec<_> = taken.collect();
                for (kind, count) in &taken {
                    prop_assert_eq!(self.model.held.remove(kind), Some(*count));
                }
                self.model.batches.push((batch.id, taken));
            }
            Step::Acknowledge(n) if n < self.model.batches.len() => {
                prop_assert!(store.acknowledge(self.model.batches.remove(n).0));
            }
            Step::PutBack(n) if n < self.model.batches.len() => {
                let (id, taken) = self.model.batches.remove(n);
                prop_assert!(store.put_back(id));
                self.model.put_back(taken);
            }
            Step::Acknowledge(_) | Step::PutBack(_) => {}
            Step::Resolve(kind) => {
                let of = self.model.name(kind);
                let known = self.model.known.contains(&of);
                prop_assert_eq!(store.resolve(name(kind), Resolution::NOW), known);
                if known {
                    self.model.resolved.insert(of);
                }
            }
            Step::Merge(from, into) => {
                prop_assert_eq!(store.merge(name(from), name(into)), self.model.merge(from, into));
            }
            Step::Flush => spool.flush().await.unwrap(),
            Step::Restart => {
                drop((spool, store));
                self.restart();
            }
        }
        let (_, store) = self.store.as_ref().unwrap();
        let totals = store.totals();
        prop_assert!(totals.add_up(), "{:?}", totals);
        let held: BTreeMap<_, _> = store
            .list(&Filter::default())
            .into_iter()
            .map(|group| (self.kind(group.fingerprint), group.count))
            .collect();
        prop_assert_eq!(&held, &self.model.held);
        Ok(())
    }
}

fn named(kind: u8) -> seawall_capture::Record {
    record(&format!("kind{kind}x"))
}

#[test]
fn a_restart_changes_nothing() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let run = runner.run(&proptest::collection::vec(step(), 1..80), |steps| {
        runtime.block_on(async {
            let mut bench = Bench::new();
            for step in steps {
                bench.step(step).await?;
            }
            Ok(())
        })
    });
    run.unwrap();
}
