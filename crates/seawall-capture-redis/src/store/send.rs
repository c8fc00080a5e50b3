//! Handing over what was recorded.

use seawall_capture::Record;
use seawall_capture::store::{Group, Mute, StoreError};

use super::Inner;
use crate::outbox::{Outbox, Parcel};
use crate::reply;
use crate::scripts::{Arguments, millis};

/// How many names keep failures with one fingerprint apart, as in memory.
const NAMES: u32 = 8;

impl Inner {
    /// Sends all parcels, each until the server has it.
    pub(super) async fn send(&self, outbox: &mut Outbox) -> Result<(), StoreError> {
        while let Some((number, parcel)) = outbox.front() {
            let muted: Vec<bool> = self.call(&self.parcel(number, parcel)?).await?;
            self.mirror(parcel, &muted);
            outbox.arrived(&self.local);
        }
        Ok(())
    }

    /// The operation that counts a parcel.
    fn parcel(&self, number: u64, parcel: &Parcel) -> Result<Arguments<'_>, StoreError> {
        let mut script = self
            .scripts
            .invoke(&self.scripts.record)
            .and(&self.client)
            .and(number)
            .and(millis(self.remember))
            .and(parcel.other)
            .and(parcel.dropped)
            .and(parcel.groups.len());
        for group in &parcel.groups {
            script = occurrences(script, group)?;
        }
        Ok(script)
    }

    /// Mutes in this process what is muted for all, so that recording answers
    /// [`Seen::Muted`](seawall_capture::store::Seen::Muted).
    fn mirror(&self, parcel: &Parcel, muted: &[bool]) {
        for (group, muted) in parcel.groups.iter().zip(muted) {
            if group.muted.is_some() != *muted {
                self.local.mute(group.fingerprint, muted.then_some(Mute::FOREVER));
            }
        }
    }
}

/// Adds a group to the operation that counts it.
fn occurrences<'s>(script: Arguments<'s>, group: &Group) -> Result<Arguments<'s>, StoreError> {
    let json = |record: &Record| {
        serde_json::to_vec(record).map_err(|error| reply::broken("a record", &error))
    };
    let grouping = group.first.grouping;
    let name = grouping.fingerprint;
    let mut script = script.and(NAMES).text(name);
    for n in 1..NAMES {
        script = script.text(name.colliding(n));
    }
    let same = group.count == 1 || group.first == group.last;
    script = script
        .and(format!("{:016x}", grouping.check))
        .and(group.count)
        .and(group.first_seen.as_millis())
        .and(group.last_seen.as_millis())
        .and(json(&group.first)?)
        .and(if same { Vec::new() } else { json(&group.last)? });
    for tally in [&group.sources, &group.versions] {
        script = script.and(tally.counts.len()).and(tally.other);
        for (name, count) in &tally.counts {
            script = script.and(name).and(*count);
        }
    }
    Ok(script)
}
