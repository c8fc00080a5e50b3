//! A process that is killed while it writes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use seawall_capture::fingerprint::Grouping;
use seawall_capture::spool::Durability;
use seawall_capture::{Draft, Fingerprint, MemoryStore, Record, Spool};
use seawall_core::Random;

use super::{Folder, counts, prepare};

const ROUNDS: u64 = 200;
const KINDS: u64 = 20;
/// How many operations a child does if nobody kills it.
const OPERATIONS: u64 = 4_000;

const PATH: &str = "SEAWALL_SPOOL_PATH";
const SEED: &str = "SEAWALL_SPOOL_SEED";

/// What a child does, as anybody can tell from its seed: which kind it records, and after how many
/// operations it waits until all is written.
struct Script(Random);

impl Script {
    fn of(seed: u64) -> Self {
        Self(Random::seeded(seed))
    }

    fn next(&self) -> (String, bool) {
        let number = self.0.next_u64();
        // A few kinds come most of the time, and others late.
        let kind = if number.is_multiple_of(3) { number / 7 % KINDS } else { number / 7 % 5 };
        (format!("kind {kind}"), (number / 1_000).is_multiple_of(6))
    }
}

/// One failure of each kind, long enough that the file is compacted now and then.
fn failures() -> BTreeMap<String, Record> {
    let text = "lorem ipsum ".repeat(300);
    let one = prepare(Draft::new("E", "it broke").value("long", &text).value("longer", &text));
    let kind = |kind: u64| {
        let mut record = one.clone();
        let Grouping { check, version, by, .. } = record.grouping;
        let name = Fingerprint::from_bits(u128::from(kind) << 112);
        record.grouping = Grouping::from_parts(name, check, version, by);
        record.type_name = format!("kind {kind}");
        (record.type_name.clone(), record)
    };
    (0..KINDS).map(kind).collect()
}

fn spool(path: &Path, seed: u64) -> Spool {
    let durability =
        if seed.is_multiple_of(4) { Durability::PowerCut } else { Durability::Process };
    let every = Duration::from_millis(1 + seed % 7);
    Spool::builder(path).durability(durability).every(every).open().unwrap()
}

/// No test, but what the children of the next one are.
#[test]
fn child() {
    let (Some(path), Ok(seed)) = (std::env::var_os(PATH), std::env::var(SEED)) else { return };
    let seed = seed.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let spool = spool(Path::new(&path), seed);
        let store = MemoryStore::builder().spool(&spool).build().unwrap();
        let failures = failures();
        eprintln!("ready");
        let script = Script::of(seed);
        for operation in 1..=OPERATIONS {
            let (kind, flush) = script.next();
            store.record(&failures[&kind]);
            if flush {
                spool.flush().await.unwrap();
                eprintln!("written {operation}");
            }
        }
    });
}

fn spawn(path: &Path, seed: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["killed::child", "--exact", "--nocapture"])
        .env(PATH, path)
        .env(SEED, seed.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lets a child run for a while, and kills it. Returns how many of its operations it had been ordered to
/// be written.
fn run_and_kill(path: &Path, seed: u64, random: &Random) -> u64 {
    let mut child = spawn(path, seed);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    // The point where it is killed is what is random here: there is nothing to wait for.
    std::thread::sleep(Duration::from_micros(random.next_u64() % 25_000));
    child.kill().unwrap();
    child.wait().unwrap();
    let written = lines.map_while(Result::ok).filter_map(|line| {
        let number = line.strip_prefix("written ")?;
        number.parse().ok()
    });
    written.last().unwrap_or(0)
}

/// What was counted after `written` operations, and what is counted at most by the next flush: what
/// a child did not wait for may be there, too.
fn bounds(seed: u64, written: u64) -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
    let script = Script::of(seed);
    let mut least = BTreeMap::new();
    for _ in 0..written {
        *least.entry(script.next().0).or_default() += 1;
    }
    let mut most = least.clone();
    for _ in written..OPERATIONS {
        let (kind, flush) = script.next();
        *most.entry(kind).or_default() += 1;
        if flush {
            break;
        }
    }
    (least, most)
}

#[test]
fn at_two_hundred_points_nothing_that_was_written_is_lost() {
    let random = Random::seeded(0x05ea_3a11);
    let folder = Folder::new();
    let mut before: BTreeMap<String, u64> = BTreeMap::new();
    let (mut operations, mut torn, mut compacting) = (0, 0, 0);
    for round in 0..ROUNDS {
        if round.is_multiple_of(50) {
            before.clear();
            let _ = std::fs::remove_file(folder.spool());
        }
        let written = run_and_kill(&folder.spool(), round, &random);
        operations += written;
        // It was killed while it compacted, if what it was making is still there.
        let next = folder.0.join("failures.spool.next");
        compacting += u64::from(std::fs::remove_file(next).is_ok());
        let spool = spool(&folder.spool(), round);
        let store = MemoryStore::builder().spool(&spool).build().unwrap();
        assert_eq!(spool.counts().unread, 0);
        assert!(store.totals().add_up());
        torn += u64::from(spool.counts().cut > 0);
        let (least, most) = bounds(round, written);
        let found = counts(&store);
        for kind in most.keys().chain(before.keys()).chain(found.keys()) {
            let of = |counts: &BTreeMap<String, u64>| counts.get(kind).copied().unwrap_or(0);
            let (found, before) = (of(&found), of(&before));
            let (least, most) = (before + of(&least), before + of(&most));
            assert!(
                (least..=most).contains(&found),
                "round {round}, {kind}: {found} is not between {least} and {most}"
            );
        }
        before = found;
    }
    println!("{operations} operations were written; killed while compacting {compacting} times,");
    println!("and {torn} times in the middle of an entry, which was cut off");
    assert!(operations > ROUNDS / 4, "the children came to nothing: {operations}");
}
