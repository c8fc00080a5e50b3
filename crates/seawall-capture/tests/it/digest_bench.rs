//! A digester over a store, a clock that is moved by hand, and a sink that notes what it gets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use seawall_capture::digest::{Callback, Digest, DigesterBuilder, Sink};
use seawall_capture::{Capture, Clock, Digester, Draft, MemoryStore, Spool, Timestamp};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

pub(crate) struct Bench {
    pub(crate) clock: Clock,
    pub(crate) capture: Capture,
    pub(crate) digester: Digester,
    pub(crate) store: MemoryStore,
    sent: Arc<Mutex<Vec<Digest>>>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::at(&Clock::manual(Timestamp::from_millis(1_700_000_000_000)), None, |builder| builder)
    }

    /// One that remembers in `spool`, if there is one.
    pub(crate) fn at(
        clock: &Clock,
        spool: Option<&Spool>,
        change: impl FnOnce(DigesterBuilder) -> DigesterBuilder,
    ) -> Self {
        let clock = clock.clone();
        let mut digester = change(Digester::builder().clock(clock.clone()));
        let mut store = MemoryStore::builder().clock(clock.clone());
        if let Some(spool) = spool {
            (digester, store) = (digester.spool(spool), store.spool(spool));
        }
        let (digester, store) = (digester.build().unwrap(), store.build().unwrap());
        let capture = Capture::builder()
            .service("shop")
            .clock(clock.clone())
            .store(store.clone())
            .observer(digester.clone())
            .build()
            .unwrap();
        Self { clock, capture, digester, store, sent: Arc::default() }
    }

    pub(crate) fn fail(&self, name: &str) {
        self.capture.record(Draft::new(name, "it broke"));
    }

    pub(crate) fn sink(&self) -> impl Sink + use<> {
        let sent = Arc::clone(&self.sent);
        Callback::new(move |digest: &Digest| {
            sent.lock().unwrap().push(digest.clone());
            Ok(())
        })
    }

    /// What is sent now.
    pub(crate) async fn step(&self) -> Vec<Digest> {
        self.digester.step(&self.sink()).await;
        self.sent()
    }

    pub(crate) fn sent(&self) -> Vec<Digest> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}
