//! Readiness that follows a circuit, for balancers that choose by it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use seawall::policy::{WakerSlot, Wakers};
use seawall::{Breaker, CircuitState, Event, EventKind, ListenerId};
use tokio::time::{Sleep, sleep};
use tower_layer::Layer;
use tower_service::Service;

/// Makes a service not ready while a circuit is open, for balancers that choose among services by
/// readiness, such as tower's `balance`.
///
/// It goes around the service whose pipeline has the breaker. It refuses nothing and records nothing:
/// that is the breaker's part. The service becomes ready again when the open wait is over, so that the
/// next call is the probe, or when the circuit changes, whoever changes it.
#[derive(Clone, Debug)]
pub struct ReadinessLayer {
    watch: Arc<Watch>,
}

/// A service that is not ready while a circuit is open, made by [`ReadinessLayer`].
pub struct ReadinessService<S> {
    inner: S,
    watch: Arc<Watch>,
    waiting: Option<Waiting>,
}

/// A circuit, and the tasks that wait for it to change.
struct Watch {
    breaker: Breaker,
    changed: Arc<Wakers>,
    listener: ListenerId,
}

/// A wait for the circuit to change, or for its open wait to be over.
struct Waiting {
    watch: Arc<Watch>,
    slot: WakerSlot,
    due: Option<Pin<Box<Sleep>>>,
}

impl ReadinessLayer {
    /// Follows the circuit of `breaker`, the same handle that is in the pipeline.
    pub fn new(breaker: &Breaker) -> Self {
        let changed = Arc::new(Wakers::new());
        let listener = breaker.listeners().add({
            let changed = Arc::clone(&changed);
            move |event: &Event| {
                if matches!(event.kind, EventKind::Transition(_)) {
                    changed.wake_all();
                }
            }
        });
        Self { watch: Arc::new(Watch { breaker: breaker.clone(), changed, listener }) }
    }
}

impl<S> Layer<S> for ReadinessLayer {
    type Service = ReadinessService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ReadinessService { inner, watch: Arc::clone(&self.watch), waiting: None }
    }
}

impl<S> ReadinessService<S> {
    fn poll_circuit(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.watch.is_shut() {
            self.waiting = None;
            return Poll::Ready(());
        }
        let waiting = self.waiting.get_or_insert_with(|| Waiting::new(&self.watch));
        waiting.register(cx);
        // Read once more, as it may have changed before the waker was registered.
        let snapshot = self.watch.breaker.snapshot();
        if snapshot.state != CircuitState::Open && snapshot.state != CircuitState::ForcedOpen
            || snapshot.due
        {
            self.waiting = None;
            return Poll::Ready(());
        }
        if let Some(left) = snapshot.retry_after {
            // Made anew each time: a circuit may have opened again since, for longer.
            let mut due = Box::pin(sleep(left));
            let over = due.as_mut().poll(cx).is_ready();
            waiting.due = Some(due);
            if over {
                self.waiting = None;
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

impl Watch {
    fn is_shut(&self) -> bool {
        matches!(self.breaker.state(), CircuitState::Open | CircuitState::ForcedOpen)
    }
}

impl Waiting {
    fn new(watch: &Arc<Watch>) -> Self {
        Self { watch: Arc::clone(watch), slot: WakerSlot::default(), due: None }
    }

    fn register(&mut self, cx: &mut Context<'_>) {
        self.watch.changed.register(&mut self.slot, cx.waker());
    }
}

impl<S, Req> Service<Req> for ReadinessService<S>
where
    S: Service<Req>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    /// Pending while the circuit is open.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match self.poll_circuit(cx) {
            Poll::Ready(()) => self.inner.poll_ready(cx),
            Poll::Pending => Poll::Pending,
        }
    }

    fn call(&mut self, request: Req) -> Self::Future {
        self.inner.call(request)
    }
}

impl<S: Clone> Clone for ReadinessService<S> {
    /// A clone waits for itself.
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), watch: Arc::clone(&self.watch), waiting: None }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.breaker.listeners().remove(self.listener);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.watch.changed.remove(&self.slot);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("breaker", self.breaker.name()).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for ReadinessService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadinessService")
            .field("inner", &self.inner)
            .field("watch", &self.watch)
            .finish_non_exhaustive()
    }
}
