//! A service that holds its caller to tower's contract.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tower::Service;

/// Panics when it is called without having been ready: this instance, since its last call.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    is_ready: bool,
    shared: Arc<Mutex<Log>>,
}

/// What all clones counted, and what they are to do.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) readied: usize,
    pub(crate) called: usize,
    pub(crate) clones: usize,
    pub(crate) requests: Vec<String>,
    /// How each call ends; the rest succeed.
    pub(crate) outcomes: VecDeque<Result<u32, &'static str>>,
    /// Whether readiness fails.
    pub(crate) is_dead: bool,
    /// Whether readiness never comes.
    pub(crate) is_stuck: bool,
}

impl Probe {
    pub(crate) fn new(outcomes: impl IntoIterator<Item = Result<u32, &'static str>>) -> Self {
        let probe = Self::default();
        probe.shared.lock().outcomes.extend(outcomes);
        probe
    }

    pub(crate) fn log(&self) -> Arc<Mutex<Log>> {
        Arc::clone(&self.shared)
    }
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        self.shared.lock().clones += 1;
        Self { is_ready: false, shared: Arc::clone(&self.shared) }
    }
}

impl<Req: Into<String>> Service<Req> for Probe {
    type Response = u32;
    type Error = io::Error;
    type Future = Ready<io::Result<u32>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut log = self.shared.lock();
        if log.is_dead {
            return Poll::Ready(Err(io::Error::other("dead")));
        }
        if log.is_stuck {
            return Poll::Pending;
        }
        log.readied += 1;
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without being ready");
        let mut log = self.shared.lock();
        log.called += 1;
        log.requests.push(request.into());
        let outcome = log.outcomes.pop_front().unwrap_or(Ok(42));
        ready(outcome.map_err(io::Error::other))
    }
}

/// A request that can't be cloned.
#[derive(Debug)]
pub(crate) struct Upload(pub(crate) &'static str);

impl From<Upload> for String {
    fn from(upload: Upload) -> Self {
        upload.0.to_owned()
    }
}

/// Waits until `service` is ready for a request that is text.
pub(crate) async fn readied<S: Service<&'static str>>(service: &mut S) -> Result<&mut S, S::Error> {
    std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
    Ok(service)
}
