//! Bytes that are not what was written.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seawall_capture::spool::SpoolError;
use seawall_capture::{MemoryStore, Spool};

use super::{Folder, counts, record};

/// A spool in which group after group was written, with a repeat of the first after each; and how
/// long it was after each step, with what it held.
struct Written {
    bytes: Vec<u8>,
    steps: Vec<(u64, BTreeMap<String, u64>)>,
}

fn written() -> Written {
    let folder = Folder::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let spool = Spool::open(folder.spool()).unwrap();
        let store = MemoryStore::builder().spool(&spool).build().unwrap();
        spool.flush().await.unwrap();
        let mut steps = vec![(spool.counts().bytes, counts(&store))];
        for n in 0..12 {
            store.record(&record(&format!("kind {n}")));
            spool.flush().await.unwrap();
            steps.push((spool.counts().bytes, counts(&store)));
            store.record(&record("kind 0"));
            spool.flush().await.unwrap();
            steps.push((spool.counts().bytes, counts(&store)));
        }
        Written { bytes: std::fs::read(folder.spool()).unwrap(), steps }
    })
}

impl Written {
    /// What was written before the byte at `place`.
    fn before(&self, place: usize) -> &(u64, BTreeMap<String, u64>) {
        self.steps.iter().rfind(|(end, _)| *end <= place as u64).unwrap_or(&self.steps[0])
    }

    fn check(&self, bytes: &[u8], damaged_at: usize) -> Result<(), TestCaseError> {
        let folder = Folder::new();
        std::fs::write(folder.spool(), bytes).unwrap();
        let spool = match Spool::open(folder.spool()) {
            Ok(spool) => spool,
            Err(error) => {
                // Nothing was written before the header, and nothing is touched.
                prop_assert!(damaged_at < 16, "{error:?}");
                let refused = matches!(error, SpoolError::NotASpool | SpoolError::Version { .. });
                prop_assert!(refused, "{error:?}");
                prop_assert_eq!(std::fs::read(folder.spool()).unwrap(), bytes);
                return Ok(());
            }
        };
        let store = MemoryStore::builder().spool(&spool).build().unwrap();
        let (whole, wanted) = self.before(damaged_at);
        prop_assert_eq!(&counts(&store), wanted);
        if damaged_at >= 16 {
            prop_assert_eq!(spool.counts().cut, bytes.len() as u64 - whole);
        }
        prop_assert_eq!(spool.counts().unread, 0);
        drop((spool, store));
        // What was mended is whole.
        let spool = Spool::open(folder.spool()).unwrap();
        let store = MemoryStore::builder().spool(&spool).build().unwrap();
        prop_assert_eq!((&counts(&store), spool.counts().cut), (wanted, 0));
        Ok(())
    }
}

#[test]
fn each_prefix_holds_what_was_written_by_then() {
    let written = written();
    assert_eq!(written.steps.len(), 25);
    for (end, _) in &written.steps {
        let end = usize::try_from(*end).unwrap();
        for length in [end, end + 1, end.saturating_sub(1), end + 7, end + 9] {
            let length = length.min(written.bytes.len());
            written.check(&written.bytes[..length], length).unwrap();
        }
    }
    for length in 0..=16 {
        written.check(&written.bytes[..length], length).unwrap();
    }
}

#[test]
fn damage_anywhere_loses_nothing_before_it() {
    let written = written();
    let length = written.bytes.len();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let damage = (0..length, 1_u8..=255, 0..4_u8, proptest::collection::vec(any::<u8>(), 0..64));
    let run = runner.run(&damage, |(place, flip, way, noise)| {
        let mut bytes = written.bytes.clone();
        match way {
            0 => bytes[place] ^= flip,
            1 => bytes.truncate(place),
            2 => {
                bytes.truncate(place);
                // Noise whose first byte is not what was there.
                bytes.push(written.bytes[place] ^ flip);
                bytes.extend(noise);
            }
            _ => {
                let end = (place + 4_096).min(length);
                if bytes[place] == 0 {
                    bytes[place] = flip;
                } else {
                    bytes[place..end].fill(0);
                }
            }
        }
        written.check(&bytes, place)
    });
    run.unwrap();
}
