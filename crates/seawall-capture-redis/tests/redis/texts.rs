//! No text is anything but text.

use seawall_capture::store::{Filter, Resolution};
use seawall_capture::{Draft, Kind, Severity, Store};

use crate::server::{Server, record, synced, totals};

const HOSTILE: [&str; 9] = [
    "",
    "\0\r\n\"'\\{}[]:;,<b>&amp;\u{1f}\u{202e}é日\u{fffd}$(x)`y`%s%n../..",
    "*3\r\n$8\r\nFLUSHALL\r\n",
    "}:g:{",
    "\") redis.call('FLUSHALL') --",
    "]] os.exit() [[",
    "-1e309 nan inf 0x10",
    "%d+%1%%",
    "\u{10ffff}\u{0}",
];

#[tokio::test]
async fn hostile_text_in_every_field() {
    let Some(server) = Server::start() else { return };
    let store = server.builder().name("\r\n$6\r\n*:\0\u{202e}").build().unwrap();
    let mut sent = Vec::new();
    for text in HOSTILE {
        let draft = Draft::new(text, text)
            .severity(Severity::High)
            .kind(Kind::Security)
            .source(text)
            .version(text)
            .correlation_id(text)
            .trace(text, text)
            .tag(text, text)
            .value(text, text)
            .fingerprint(format!("explicit {text}"));
        let record = record(draft);
        store.record(&record);
        store.record(&record);
        sent.push(record);
    }
    synced(&store).await;
    for record in &sent {
        let name = record.grouping.fingerprint;
        let group = store.group(name).await.unwrap().unwrap();
        assert_eq!((&group.first, &group.last), (record, record));
        assert_eq!(group.sources.get(&record.source), Some(2));
        assert_eq!(group.versions.get(&record.origin.version), Some(2));
        let by_source = Filter { source: Some(record.source.clone()), ..Filter::default() };
        assert!(!store.list(&by_source).await.unwrap().is_empty());
    }
    for text in HOSTILE {
        let name = sent[1].grouping.fingerprint;
        assert!(store.resolve(name, Resolution::in_version(text)).await.unwrap());
        let resolved = store.group(name).await.unwrap().unwrap().resolved;
        assert_eq!(resolved, Some(Resolution::in_version(text)));
    }
    let batch = store.take(usize::MAX).await.unwrap();
    assert_eq!(batch.count(), 2 * HOSTILE.len() as u64);
    assert!(store.put_back(batch.id).await.unwrap());
    assert_eq!(totals(&store).await.held, 2 * HOSTILE.len() as u64);
}

#[test]
fn a_store_has_a_name_that_keeps_its_keys_together() {
    for name in ["", "{", "a}b"] {
        let refused = seawall_capture_redis::RedisStore::builder().name(name).build().unwrap_err();
        assert_eq!(refused.field, "name");
    }
}

#[test]
fn an_address_that_is_none_is_refused_without_its_password() {
    let refused = seawall_capture_redis::RedisStore::at("http://me:secret@host").unwrap_err();
    assert_eq!(refused.field, "address");
    assert!(!refused.to_string().contains("secret"), "{refused}");
}
