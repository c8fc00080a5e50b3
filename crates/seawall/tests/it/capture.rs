//! A breaker that opens says what failed, in the log line itself.
#![cfg(feature = "capture")]

use std::io;
use std::sync::{Arc, Mutex};

use seawall::capture::{Capture, MemoryStore, store::Filter};
use seawall::{Backoff, Breaker, CircuitState, Event, EventKind, Pipeline, Retry};

#[tokio::test(start_paused = true)]
async fn the_event_of_an_opening_and_its_record_name_what_failed() -> Result<(), io::Error> {
    let store = MemoryStore::default();
    let capture = Capture::builder().without_backtraces().store(store.clone()).build();
    let capture = capture.map_err(io::Error::other)?;
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&log);
    let pipeline = Pipeline::builder("inventory")
        .layer(capture.final_failures("inventory"))
        .retry(Retry::builder().idempotent().max_attempts(4).backoff(Backoff::none()).history(4))
        .breaker(Breaker::builder().consecutive_failures(4))
        .layer(capture.note_attempts("inventory"))
        .listener(move |event: &Event| {
            if let EventKind::Transition(transition) = &event.kind
                && transition.to == CircuitState::Open
            {
                lines.lock().unwrap().push(event.to_string());
            }
        })
        .listener(capture.listener())
        .build()
        .map_err(io::Error::other)?;

    let calls = std::cell::Cell::new(0);
    let outcome = pipeline
        .call(|| {
            calls.set(calls.get() + 1);
            let port = calls.get();
            let text = match port {
                1 => "reset by peer".to_owned(),
                port => format!("no route to 10.0.0.1:{port}"),
            };
            std::future::ready(Err::<(), _>(io::Error::other(text)))
        })
        .await;
    assert!(outcome.is_err());

    let lines = log.lock().unwrap();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let expected = "breaker 'inventory': closed → open: 4 failures in a row, limit 4; \
                    failed: 3× no route to <ip>, 1× reset by peer; retry in ";
    assert!(lines[0].starts_with(expected), "{}", lines[0]);

    // Two records: that the circuit opened, and what the caller got, with its history.
    let groups = store.list(&Filter::default());
    assert_eq!(groups.len(), 2);
    let opened = groups.iter().find(|group| group.last.type_name == "seawall::CircuitOpened");
    assert_eq!(opened.unwrap().last.description, lines[0]);
    let failed = groups.iter().find_map(|group| group.last.call.as_ref()).unwrap();
    assert_eq!((failed.attempts, failed.history.len(), failed.delays.len()), (Some(4), 3, 3));
    Ok(())
}
