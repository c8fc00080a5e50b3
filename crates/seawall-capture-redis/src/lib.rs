//! Error capture that many machines share: the store of [`seawall_capture`] in Redis.
//!
//! # What and why
//!
//! A service runs on many machines, and each of them sees a part of what fails. With this store
//! they count into the same groups: one list, one "new", one digest, whichever machine it is
//! asked on. Recording does not touch the network: a process gathers what fails in a bounded
//! store in its memory and hands it over once a second. So a Redis that is slow, read-only or
//! away holds nobody up, and what was kept is merged when it is back, each occurrence once.
//!
//! ```no_run
//! use seawall_capture::{Capture, store::{Filter, Store}};
//! use seawall_capture_redis::RedisStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = RedisStore::builder().address("redis://redis.internal").name("billing").build()?;
//! let capture = Capture::builder().service("billing").store(store.clone()).build()?;
//! tokio::spawn({
//!     let store = store.clone();
//!     async move { store.run().await }
//! });
//!
//! capture.error(&std::io::Error::other("no answer from db-1.prod.internal:5432"));
//!
//! for group in store.list(&Filter::default()).await? {
//!     println!("{:>6} {}", group.count, group.last.description);
//! }
//! // When the process stops: what was recorded since.
//! store.sync().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The way of a failure
//!
#![doc = include_str!("states.svg")]
//!
//! # Guarantees
//!
//! - **[`record`](seawall_capture::Store::record) never waits**, never fails, never panics. What
//!   the process can't hold is evicted into "other" or counted as dropped, and both sums reach the
//!   server too.
//! - **Each operation is applied once**, however often it is sent. What a process hands over is
//!   numbered; the server remembers for each process the number it applied last, for
//!   [`remember`](RedisStoreBuilder::remember) (24 h), and passes over what it has. What takers
//!   and markers ask is remembered with its answer, for 10 minutes.
//! - **The bound of that promise.** An occurrence is counted twice if its operation was applied,
//!   the answer was lost, and the server was out of reach for longer than `remember` after that;
//!   or if the server was flushed between two copies of one operation. It is lost if the process
//!   ends before it handed it over, and if the server forgets what it answered: killed without
//!   having it on disk (`appendfsync always` has it), failed over to a replica that did not have it
//!   yet, flushed, or short of memory with an `maxmemory-policy` other than `noeviction`.
//! - **Sums are exact.** At any time `recorded = held + other + in flight + delivered + expired +
//!   dropped`, over all processes.
//! - **No count without a time to live**: an operation is one script, which writes a value and its
//!   time to live together. With a retention every key has one; without one, what guards retries
//!   still has.
//! - **The server's clock** decides about retention, leases, mutes and spikes: the clocks of the
//!   machines may differ. First and last seen are what the records say.
//! - **No scan.** No operation looks at all keys; what is listed, evicted, expired or given back is
//!   found by sorted sets. What is done on the side of an operation is at most 64 groups.
//!
//! # Keys
//!
//! All keys of a store begin with `{seawall:<name>}:`. What is in the braces is the hash tag, so a
//! store is in one slot of a cluster: its scripts may touch a group, the lists and the sums at
//! once. For more than one node can do there are more stores, one for each service, by
//! [`name`](RedisStoreBuilder::name).
//!
//! | key | type | holds |
//! |---|---|---|
//! | `g:<fingerprint>` | string | a group with its marks (`MessagePack`); one key for all that is known of it |
//! | `sums` | hash | what was counted in all; `shape`: the version of the shape of all this, 2 |
//! | `count` | sorted set | groups by count, the highest first |
//! | `seen` | sorted set | groups by last occurrence, the last first |
//! | `rank` | sorted set | groups in the order of eviction: by powers of two of the count, then by time |
//! | `touched` | sorted set | groups by the server's time of the last occurrence: what expires next |
//! | `dormant` | sorted set | names that are remembered, and hold nothing |
//! | `sizes` | hash | the bytes of each group |
//! | `aliases` | hash | what was merged into what, at most 1,024 |
//! | `leases` | sorted set | batches in flight, by the end of their lease; at most 64 |
//! | `flying` | hash | how many occurrences each batch stands for |
//! | `h:<batch>`, `b:<batch>` | hash, hash | a batch: what is known of it, and its groups by their place |
//! | `w:<process>` | string | the number of the operation of a process that was applied last |
//! | `o:<operation>` | string | the answer to a taker or marker |
//!
//! A store whose keys are of another shape is [corrupt](seawall_capture::store::StoreError::Corrupt) to
//! this version, which leaves it as it is: give the new one another name, or delete the old one.
//!
//! With a retention keys live for it, the lease, and a minute: what lags behind is found, and
//! counted as expired. Without one only `w:` and `o:` expire.
//!
//! # Scripts
//!
//! One for each operation: `record` (up to 32 groups), `take` (a page of 64 groups), `acknowledge`,
//! `put_back`, `give_back` (64 groups), `resolve`, `mute`, `merge`; and, which write nothing and so
//! work on a read-only server, `names`, `groups`, `totals`. They are sent by their hash, and loaded
//! again where the server does not know them. They want Redis 5 or later; they are tested with
//! Redis 7.0.
//!
//! # Every call goes through a pipeline
//!
//! The [standard one](seawall::StandardPipeline): a timeout of 2 s around retries with a budget
//! around a circuit breaker around a timeout of 500 ms for each attempt. [`classify`] says what an
//! error of Redis means. A server that is away is asked again after the interval, and while the
//! breaker is open that costs nothing. Listeners of the [pipeline](RedisStoreBuilder::pipeline) receive
//! its openings and closings:
//!
//! ```
//! use std::time::Duration;
//! use seawall_capture_redis::{RedisStore, RedisStoreBuilder};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pipeline = RedisStoreBuilder::default_pipeline()
//!     .attempt_timeout(Duration::from_millis(100))
//!     .listener(|event: &seawall::Event| eprintln!("{event}"));
//! let store = RedisStore::builder().pipeline(pipeline).build()?;
//! println!("{}", store.pipeline().describe());
//! # Ok(())
//! # }
//! ```
//!
//! # In a cluster
//!
//! A connection to one node is refused as soon as the store's slot is on another. With feature
//! `cluster` the store is built from addresses of some nodes instead of one, finds the node, and
//! follows the slot when it moves: `RedisStoreBuilder::cluster`.
//!
//! # What it costs
//!
//! Recording costs what it costs in [memory](seawall_capture::MemoryStore). Handing over costs the
//! server about 35 µs of CPU time for each group, however often it came, and no less than 65 µs for
//! an operation; a script of 32 groups holds it up for about a millisecond, a page that is taken
//! for two and a half. Reading costs 15 µs a group. 5,000 groups with short messages take up 12 MB.
//! (Redis 7.0.15's own account of its CPU time, on a busy machine with two cores.)
//!
//! # Defaults
//!
//! In the table of [`RedisStoreBuilder`], each with its reason.
//!
//! # Telemetry
//!
//! [`RedisStore::local`] says what is not handed over yet; the totals say what is there. What goes
//! wrong on the way is in the events of the pipeline.
//!
//! # Traps
//!
//! - [`RedisStore::run`] has to be spawned: nothing here starts a task. Without it only
//!   [`sync`](RedisStore::sync), taking, resolving, muting and merging hand over.
//! - A process that ends without a last [`sync`](RedisStore::sync) takes up to a second of failures
//!   with it.
//! - Reading shows what was handed over, not what this process recorded since.
//! - A record says [`Queued`](seawall_capture::store::Seen::Queued) where memory says `New`: only
//!   the server knows. So the digests of a process that observes list nothing as new; that is in
//!   [`Group::new`](seawall_capture::store::Group::new). Let one process make the digests of all,
//!   with [`Digester::look_at`](seawall_capture::Digester::look_at). What is muted is known after the group was
//!   handed over once more.
//! - An occurrence from before a group was resolved that another process hands over after it brings
//!   the group back.
//! - Processes that give one store different settings undo each other's work: the retention and the
//!   bounds of the process that writes are in force.
//! - What is past its retention is not shown; it is counted as expired by the next operation that
//!   writes.
//! - Takers that take one group at a time meet the bound of 64 batches.
//! - A list is put together in steps: what is evicted or taken between two steps is missing, what is
//!   counted between them may be out of order.
//!
//! # What is not here
//!
//! - A store on several nodes at once: its keys are in one slot.
//! - Sentinel addresses. Give [`client`](RedisStoreBuilder::client) the master, by a name that
//!   follows it.
//! - A spool on disk for what is not handed over yet.
//!
//! # When not to use it
//!
//! For one process: [`MemoryStore`](seawall_capture::MemoryStore) needs no server. Where failures
//! must survive the loss of a machine that did not hand them over yet. For an audit trail: groups
//! are evicted, and of each only two occurrences are kept in full.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CrateReadme;

mod classify;
mod config;
mod connection;
mod outbox;
mod reply;
mod scripts;
mod store;

pub use classify::{Classifier, classify};
pub use config::RedisStoreBuilder;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use reply::read_reply;
pub use store::RedisStore;
