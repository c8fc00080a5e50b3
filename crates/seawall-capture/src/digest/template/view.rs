//! What a template sees of a digest.

use std::time::Duration;

use serde::Serialize;

use crate::digest::{Digest, DigestGroup, plain};
use crate::store::Tally;
use crate::{Fingerprint, Timestamp};

#[derive(Serialize)]
pub(super) struct View<'a> {
    id: &'a str,
    key: String,
    subject: String,
    text: String,
    from: Timestamp,
    to: Timestamp,
    count: u64,
    new_groups: usize,
    total_groups: usize,
    groups: Vec<GroupView>,
    more_groups: usize,
    more_failures: u64,
    other: u64,
}

#[derive(Serialize)]
struct GroupView {
    fingerprint: Fingerprint,
    type_name: String,
    description: String,
    count: u64,
    new: bool,
    first_seen: Timestamp,
    last_seen: Timestamp,
    sources: Vec<Counted>,
    other_sources: u64,
    versions: Vec<Counted>,
    other_versions: u64,
}

#[derive(Serialize)]
struct Counted {
    name: String,
    count: u64,
}

impl<'a> View<'a> {
    pub(super) fn of(digest: &'a Digest, bytes: usize) -> Self {
        let (text, shown) = digest.text_and_shown(bytes);
        let (more_groups, more_failures) = digest.more(shown);
        Self {
            id: &digest.id,
            key: plain(&digest.key),
            subject: digest.subject(),
            text,
            from: digest.from,
            to: digest.to,
            count: digest.count,
            new_groups: digest.new_groups(),
            total_groups: digest.groups.len(),
            groups: digest.groups.iter().take(shown).map(GroupView::of).collect(),
            more_groups,
            more_failures,
            other: digest.other,
        }
    }
}

impl GroupView {
    fn of(group: &DigestGroup) -> Self {
        Self {
            fingerprint: group.fingerprint,
            type_name: plain(&group.type_name),
            description: plain(&group.description),
            count: group.count,
            new: group.new,
            first_seen: group.first_seen,
            last_seen: group.last_seen,
            sources: counted(&group.sources),
            other_sources: group.sources.other,
            versions: counted(&group.versions),
            other_versions: group.versions.other,
        }
    }
}

fn counted(tally: &Tally) -> Vec<Counted> {
    let named = tally.counts.iter().filter(|(name, _)| !name.is_empty());
    named.map(|(name, count)| Counted { name: plain(name), count: *count }).collect()
}

/// What templates are tried on: a digest with everything in it, and one with nothing.
pub(super) fn samples() -> [Digest; 2] {
    let at = Timestamp::from_millis(0);
    let tally = || Tally { counts: vec![("name".into(), 1)], other: 1 };
    let group = |new| DigestGroup {
        fingerprint: Fingerprint::default(),
        type_name: "Type".into(),
        description: "description".into(),
        count: 2,
        new,
        first_seen: at,
        last_seen: at.after(Duration::from_secs(1)),
        sources: tally(),
        versions: tally(),
    };
    let empty = Digest {
        id: "0".repeat(32),
        key: "key".into(),
        from: at,
        to: at,
        count: 0,
        groups: Vec::new(),
        other: 0,
    };
    let full =
        Digest { count: 5, groups: vec![group(true), group(false)], other: 1, ..empty.clone() };
    [full, empty]
}
