//! Random operations leave the store in Redis where they leave the store in memory.

use seawall_capture::fingerprint::VERSION;
use seawall_capture::store::{Batch, Filter, Group, Mute, Order, Resolution};
use seawall_capture::{
    Draft, Fingerprint, GroupedBy, Grouping, MemoryStore, Record, Store, Timestamp,
};
use seawall_capture_redis::RedisStore;

use crate::numbers::Numbers;
use crate::server::{Server, record, synced, totals};

struct Pair {
    redis: RedisStore,
    memory: MemoryStore,
    /// The same batches, by what each store calls them.
    batches: Vec<(Batch, Batch)>,
    kinds: Vec<Record>,
    second: i64,
}

/// What has to be the same. Spikes go by clocks, which are not.
fn told(mut group: Group) -> Group {
    group.spiking = false;
    for tally in [&mut group.sources, &mut group.versions] {
        tally.counts.sort();
    }
    group
}

fn all(groups: Vec<Group>) -> Vec<Group> {
    groups.into_iter().map(told).collect()
}

fn of(batch: &Batch) -> Vec<Group> {
    let mut groups: Vec<Group> = batch.groups.iter().map(|group| told((**group).clone())).collect();
    groups.sort_by_key(|group| group.fingerprint);
    groups
}

impl Pair {
    fn kind(&self, numbers: &mut Numbers) -> Fingerprint {
        let kinds = self.kinds.len() as u64;
        self.kinds[usize::try_from(numbers.below(kinds)).unwrap()].grouping.fingerprint
    }

    fn occur(&mut self, numbers: &mut Numbers) {
        for _ in 0..=numbers.below(4) {
            self.second += 1;
            let draft = Draft::new(&format!("E{}x", numbers.below(12)), "it broke")
                .at(Timestamp::from_millis(1_700_000_000_000 + self.second))
                .source(&format!("s{}", numbers.below(20)))
                .version(&format!("1.{}", numbers.below(4)));
            let record = record(draft);
            self.redis.record(&record);
            self.memory.record(&record);
        }
    }

    async fn mark(&mut self, numbers: &mut Numbers) {
        let (one, two) = (self.kind(numbers), self.kind(numbers));
        let version = format!("1.{}", numbers.below(4));
        let (redis, memory) = match numbers.below(5) {
            0 => {
                let resolution = Resolution::in_version(version);
                (
                    self.redis.resolve(one, resolution.clone()).await,
                    self.memory.resolve(one, resolution),
                )
            }
            1 => {
                let resolution = Resolution::NOW;
                (
                    self.redis.resolve(one, resolution.clone()).await,
                    self.memory.resolve(one, resolution),
                )
            }
            2 => {
                let hour = std::time::Duration::from_hours(1);
                let mute = [None, Some(Mute::FOREVER), Some(Mute::until(3, hour))];
                let mute = mute[usize::try_from(numbers.below(3)).unwrap()];
                (self.redis.mute(one, mute).await, self.memory.mute(one, mute))
            }
            // Not often: in the end there would be one group.
            3 if numbers.below(4) == 0 => {
                (self.redis.merge(one, two).await, self.memory.merge(one, two))
            }
            _ => return,
        };
        assert_eq!(redis.unwrap(), memory);
    }

    async fn deliver(&mut self, numbers: &mut Numbers) {
        match numbers.below(3) {
            0 => {
                let pair = (
                    self.redis.take(usize::MAX).await.unwrap(),
                    self.memory.take(usize::MAX).unwrap(),
                );
                assert_eq!((of(&pair.0), pair.0.other), (of(&pair.1), pair.1.other));
                self.batches.push(pair);
            }
            settle if !self.batches.is_empty() => {
                let batches = self.batches.len() as u64;
                let at = usize::try_from(numbers.below(batches)).unwrap();
                let (redis, memory) = self.batches.swap_remove(at);
                if settle == 1 {
                    assert!(self.redis.acknowledge(redis.id).await.unwrap());
                    assert!(self.memory.acknowledge(memory.id));
                } else {
                    assert!(self.redis.put_back(redis.id).await.unwrap());
                    assert!(self.memory.put_back(memory.id));
                }
            }
            _ => {}
        }
    }

    async fn compare(&self) {
        synced(&self.redis).await;
        for order in [Order::LastSeen, Order::Count] {
            let filter = Filter { order, ..Filter::default() };
            assert_eq!(
                all(self.redis.list(&filter).await.unwrap()),
                all(self.memory.list(&filter))
            );
        }
        for kind in &self.kinds {
            let name = kind.grouping.fingerprint;
            let group = self.redis.group(name).await.unwrap();
            assert_eq!(group.map(told), self.memory.group(name).map(told));
        }
        let (mut redis, memory) = (totals(&self.redis).await, self.memory.totals());
        redis.bytes = memory.bytes;
        assert_eq!(redis, memory);
    }
}

#[tokio::test]
async fn random_operations_leave_both_stores_alike() {
    let Some(server) = Server::start() else { return };
    for seed in 0..12 {
        let mut numbers = Numbers(seed);
        let mut pair = Pair {
            redis: server.builder().name(format!("store {seed}")).build().unwrap(),
            memory: MemoryStore::default(),
            batches: Vec::new(),
            kinds: (0..12).map(|n| record(Draft::new(&format!("E{n}x"), "it broke"))).collect(),
            second: 0,
        };
        for _ in 0..60 {
            match numbers.below(4) {
                0 => pair.mark(&mut numbers).await,
                1 => pair.deliver(&mut numbers).await,
                _ => pair.occur(&mut numbers),
            }
            if numbers.below(8) == 0 {
                pair.compare().await;
            }
        }
        pair.compare().await;
    }
}

/// A record of the fingerprint 7, whatever it says.
fn colliding(check: u64) -> Record {
    let mut record = record(Draft::new(&format!("E{check}x"), "it broke"));
    let seven = Fingerprint::from_bits(7);
    record.grouping = Grouping::from_parts(seven, check, VERSION, GroupedBy::Message);
    record
}

#[tokio::test]
async fn failures_that_collide_are_kept_apart_as_in_memory() {
    let Some(server) = Server::start() else { return };
    let (redis, memory) = (server.store(), MemoryStore::default());
    for n in 0..40 {
        let record = colliding(n % 10);
        redis.record(&record);
        memory.record(&record);
        synced(&redis).await;
    }
    let by_count = Filter { order: Order::Count, ..Filter::default() };
    let groups = all(redis.list(&by_count).await.unwrap());
    assert_eq!(groups.len(), 8);
    assert_eq!(groups, all(memory.list(&by_count)));
}
