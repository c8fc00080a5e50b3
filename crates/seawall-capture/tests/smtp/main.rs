//! Digests by mail, against a real server.
#![cfg(feature = "smtp")]

mod server;

mod confirmed;
mod hostile;
mod recipients;
mod refused;
mod scripted;
mod security;
mod settings;
mod timeouts;

use std::time::Duration;

use seawall_capture::digest::smtp::SmtpError;
use seawall_capture::digest::{Callback, Digest, DigesterBuilder, SinkError};
use seawall_capture::{Capture, Clock, Digester, Draft, Timestamp};
use serde_json::Value;

/// A digester with a manual clock, and the capture that feeds it.
fn digester(change: impl FnOnce(DigesterBuilder) -> DigesterBuilder) -> (Clock, Capture, Digester) {
    let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
    let builder = Digester::builder().clock(clock.clone()).send_timeout(Duration::from_hours(1000));
    let digester = change(builder).build().unwrap();
    let builder = Capture::builder().service("billing").clock(clock.clone());
    (clock, builder.observer(digester.clone()).build().unwrap(), digester)
}

/// A digest of `records`.
async fn digest(records: impl IntoIterator<Item = Draft>) -> Digest {
    let (_, capture, digester) = digester(|builder| builder);
    for record in records {
        capture.record(record);
    }
    let sent = std::sync::Mutex::new(None);
    let sink = Callback::new(|digest: &Digest| {
        *sent.lock().unwrap() = Some(digest.clone());
        Ok(())
    });
    let _ = digester.close(&sink, Duration::from_secs(1)).await;
    sent.lock().unwrap().take().unwrap()
}

fn gone() -> Draft {
    Draft::new("Gone", "invoice 7 is gone").source("cart")
}

/// The error as what it is.
fn smtp(error: &SinkError) -> &SmtpError {
    error.downcast_ref().unwrap()
}

/// All headers called `name`.
fn headers<'v>(message: &'v Value, name: &str) -> Vec<&'v str> {
    let headers = message["headers"].as_array().unwrap().iter();
    let named = headers.filter(|header| header[0].as_str().unwrap().eq_ignore_ascii_case(name));
    named.map(|header| header[1].as_str().unwrap()).collect()
}

/// The part of this type, its lines ended as ours are.
fn part(message: &Value, content_type: &str) -> String {
    let parts = message["parts"].as_array().unwrap();
    let part = parts.iter().find(|part| part[0] == content_type);
    part.expect("no such part")[1].as_str().unwrap().replace("\r\n", "\n")
}
