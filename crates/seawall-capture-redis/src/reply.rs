//! What the scripts answer.

use std::str::FromStr;
use std::time::Duration;

use seawall_capture::store::{Group, Mute, Resolution, StoreError, Tally};
use seawall_capture::{Fingerprint, Record, Timestamp};

/// A tally: what was counted together, the names, their counts.
pub(crate) type TallyReply = (u64, Vec<String>, Vec<u64>);

/// A group, as `reply.lua` has it.
pub(crate) type GroupReply = (
    String,
    (u64, i64, i64),
    (Vec<u8>, Vec<u8>),
    (bool, bool, bool),
    Vec<i64>,
    Vec<Option<String>>,
    TallyReply,
    TallyReply,
);

/// What was counted, in the order of `totals.lua`.
pub(crate) type TotalsReply = [u64; 10];

/// The groups of an answer.
pub(crate) fn groups(replies: Vec<GroupReply>) -> Result<Vec<Group>, StoreError> {
    replies.into_iter().map(group).collect()
}

pub(crate) fn group(reply: GroupReply) -> Result<Group, StoreError> {
    let (
        name,
        (count, first_seen, last_seen),
        (first, last),
        flags,
        mute,
        resolved,
        sources,
        versions,
    ) = reply;
    let name = Fingerprint::from_str(&name).map_err(|error| broken("a name", &error))?;
    let first = record(&first)?;
    let mut group = Group::of(&first, name, flags.0);
    if !last.is_empty() {
        group.last = record(&last)?;
    }
    group.count = count;
    group.first_seen = Timestamp::from_millis(first_seen);
    group.last_seen = Timestamp::from_millis(last_seen);
    group.regressed = flags.1;
    group.spiking = flags.2;
    group.muted = mute_of(&mute);
    group.resolved = resolved.into_iter().next().map(|version| match version {
        Some(version) => Resolution::in_version(version),
        None => Resolution::NOW,
    });
    group.sources = tally(sources);
    group.versions = tally(versions);
    Ok(group)
}

fn record(json: &[u8]) -> Result<Record, StoreError> {
    serde_json::from_slice(json).map_err(|error| broken("a record", &error))
}

fn mute_of(reply: &[i64]) -> Option<Mute> {
    let [least, period] = *reply else { return None };
    // Below zero is no number.
    let Ok(least) = u64::try_from(least) else { return Some(Mute::FOREVER) };
    Some(Mute::until(least, Duration::from_millis(u64::try_from(period).unwrap_or(0))))
}

fn tally((other, names, counts): TallyReply) -> Tally {
    let mut tally = Tally::default();
    tally.counts = names.into_iter().zip(counts).collect();
    tally.other = other;
    tally
}

/// What came is not what was stored.
pub(crate) fn broken(what: &str, error: &dyn std::error::Error) -> StoreError {
    StoreError::Corrupt(format!("{what}: {error}"))
}

/// Reads the bytes of an answer as groups; `None` where the client does not let them through.
#[cfg(fuzzing)]
pub fn read_reply(bytes: &[u8]) -> Option<Result<Vec<Group>, StoreError>> {
    let answer = redis::parse_redis_value(bytes).ok()?;
    Some(groups(redis::from_redis_value(answer).ok()?))
}
