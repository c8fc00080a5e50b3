//! What stores and digests keep as JSON: read, written, and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_capture::digest::Digest;
use seawall_capture::log::{Audience, line};
use seawall_capture::store::{Group, Totals};
use seawall_capture::{Record, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads, writes and reads again. What is read a second time is what was read first.
fn read<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    let written = serde_json::to_vec(&value).expect("what was read is written");
    let again: T = serde_json::from_slice(&written).expect("and read");
    assert_eq!(serde_json::to_vec(&again).expect("and written"), written);
    Some(again)
}

fuzz_target!(|bytes: &[u8]| {
    if let Some(record) = read::<Record>(bytes) {
        assert!(!line(&record, Audience::Internal, &[]).contains('\n'));
    }
    read::<Group>(bytes);
    read::<Digest>(bytes);
    read::<Timestamp>(bytes);
    read::<Totals>(bytes);
});
