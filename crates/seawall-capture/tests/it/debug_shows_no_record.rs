//! `Debug` of anything shows no text of a record and no key, and is short however much there is.

use std::fmt::Debug;

use seawall_capture::digest::{Callback, Digest, JsonLines, Sink, TextLines};
use seawall_capture::store::Filter;
use seawall_capture::{Alarms, Capture, Draft, Redactor};

use crate::digest_bench::{Bench, SECOND};

const TEXT: &str = "s3cret-text";

fn check(what: &str, value: &dyn Debug) {
    let text = format!("{value:?}");
    assert!(!text.contains(TEXT), "{what}: {text}");
    assert!(text.len() < 4_000, "{what}: {} bytes", text.len());
}

fn draft() -> Draft {
    Draft::new("E", TEXT)
        .description(TEXT)
        .source(TEXT)
        .tag(TEXT, TEXT)
        .value(TEXT, TEXT)
        .correlation_id(TEXT)
        .trace(TEXT, TEXT)
}

#[tokio::test(start_paused = true)]
async fn of_anything() {
    let bench = Bench::at(&seawall_capture::Clock::system(), None, |builder| {
        builder.key(|_| TEXT.into()).quiet(SECOND / 1_000_000)
    });
    let alarms = Alarms::builder().new_fingerprints("new", std::time::Duration::ZERO);
    let alarms = alarms.build().unwrap();
    let capture = Capture::builder().observer(alarms.clone()).observer(bench.digester.clone());
    let capture = capture.store(bench.store.clone()).redactor(Redactor::default().key("iban"));
    let capture = capture.build().unwrap();
    for n in 0..1_000 {
        capture.record(draft().fingerprint(n.to_string()));
    }
    check("draft", &draft());
    let record = capture.prepare(draft());
    check("record", &record);
    check("details", &record.details);
    check("capture", &capture);
    check("store", &bench.store);
    check("alarms", &alarms);
    check("digester", &bench.digester);
    check("group", &bench.store.list(&Filter { limit: 1, ..Filter::default() }));
    check("batch", &bench.store.take(usize::MAX).unwrap());
    check("notice", &alarms.check()[0]);
    let json = JsonLines::new(Vec::new());
    let text = TextLines::new(Vec::new());
    let sink = Callback::new(|digest: &Digest| {
        check("digest", digest);
        check("group of a digest", &digest.groups[0]);
        Ok(())
    });
    let closed = bench.digester.close(&sink, SECOND).await;
    assert_eq!(closed.sent, 1);
    capture.record(draft());
    let closed = bench.digester.close(&Callback::new(|_: &Digest| Err("no".into())), SECOND).await;
    check("closed", &closed);
    for sink in [&json as &dyn Sink, &text] {
        sink.send(&closed.left[0]).await.unwrap();
    }
    check("JSON lines", &json);
    check("text lines", &text);
}
