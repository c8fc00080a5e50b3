//! Any service as one that can be cloned.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use parking_lot::Mutex;
use pin_project::pin_project;
use tower_layer::{Layer, layer_fn};
use tower_service::Service;

/// A service of which clones are handles: one instance serves them all, one call after another until
/// it has the request, and any number under way.
///
/// Calls wait for the service's readiness in the order in which they came. A handle is always ready
/// itself: no call reserves the service before its turn, and one that is dropped while it waits leaves
/// its place. There is no task and no channel, unlike in a `Buffer` of tower.
pub struct Shared<S> {
    turnstile: Arc<Mutex<Turnstile<S>>>,
}

struct Turnstile<S> {
    /// Absent while a call has its turn, as its code runs outside of the lock.
    service: Option<S>,
    /// The calls that wait, by number.
    waiting: BTreeMap<u64, Waker>,
    next: u64,
}

impl<S> Shared<S> {
    /// `service`, to be cloned.
    pub fn new(service: S) -> Self {
        let turnstile = Turnstile { service: Some(service), waiting: BTreeMap::new(), next: 0 };
        Self { turnstile: Arc::new(Mutex::new(turnstile)) }
    }

    /// [`new`](Self::new) as a layer.
    pub fn layer() -> impl Layer<S, Service = Self> + Clone {
        layer_fn(Self::new)
    }

    /// How many calls wait for the service to be ready.
    pub fn waiting(&self) -> usize {
        self.turnstile.lock().waiting.len()
    }
}

impl<S, Req> Service<Req> for Shared<S>
where
    S: Service<Req>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = SharedFuture<S, Req, S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let place = Place { turnstile: Arc::clone(&self.turnstile), number: None };
        SharedFuture { state: State::Waiting { place, request: Some(request) } }
    }
}

/// A call of a [`Shared`] service.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct SharedFuture<S, Req, Fut> {
    #[pin]
    state: State<S, Req, Fut>,
}

#[pin_project(project = StateProjection, project_replace = StateOwned)]
enum State<S, Req, Fut> {
    /// Until the service is ready and it is this call's turn.
    Waiting { place: Place<S>, request: Option<Req> },
    /// The service has the request.
    Answering {
        #[pin]
        future: Fut,
    },
    /// Over.
    Done,
}

/// A call's place in the order.
struct Place<S> {
    turnstile: Arc<Mutex<Turnstile<S>>>,
    /// Absent until the call has to wait.
    number: Option<u64>,
}

/// The service, while it is a call's turn. Put back when this is dropped, by a panic too.
struct Turn<'p, S> {
    place: &'p mut Place<S>,
    service: Option<S>,
}

impl<S> Turnstile<S> {
    fn register(&mut self, number: &mut Option<u64>, waker: Waker) -> Option<Waker> {
        let number = *number.get_or_insert_with(|| {
            self.next += 1;
            self.next
        });
        self.waiting.insert(number, waker)
    }

    fn first(&self) -> Option<(u64, &Waker)> {
        self.waiting.first_key_value().map(|(number, waker)| (*number, waker))
    }
}

impl<S> Place<S> {
    /// The service, if it is this call's turn. Otherwise `waker` is woken when it is.
    fn enter(&mut self, waker: &Waker) -> Option<Turn<'_, S>> {
        let waker = waker.clone();
        let mut turnstile = self.turnstile.lock();
        let (service, unneeded) = if self.number.is_none() && turnstile.waiting.is_empty() {
            match turnstile.service.take() {
                Some(service) => (Some(service), Some(waker)),
                None => (None, turnstile.register(&mut self.number, waker)),
            }
        } else {
            let replaced = turnstile.register(&mut self.number, waker);
            let is_first = turnstile.first().map(|(number, _)| number) == self.number;
            (if is_first { turnstile.service.take() } else { None }, replaced)
        };
        drop(turnstile);
        drop(unneeded);
        service.map(|service| Turn { place: self, service: Some(service) })
    }

    /// Leaves the order, and wakes the call whose turn it is then.
    fn leave(&mut self) {
        let Some(number) = self.number.take() else { return };
        let mut turnstile = self.turnstile.lock();
        let was_first = turnstile.first().is_some_and(|(it, _)| it == number);
        let own = turnstile.waiting.remove(&number);
        let next = turnstile.first().filter(|_| was_first).map(|(_, waker)| waker.clone());
        drop(turnstile);
        drop(own);
        if let Some(next) = next {
            next.wake();
        }
    }
}

impl<S> Turn<'_, S> {
    /// Has the call wait for the service to be ready. Its waker is registered before the service is
    /// put back, so that it counts as the one that waits.
    fn wait(self, waker: &Waker) {
        let waker = waker.clone();
        let place = &mut *self.place;
        let replaced = place.turnstile.lock().register(&mut place.number, waker);
        drop(replaced);
    }

    fn over(mut self) {
        self.put_back();
        self.place.leave();
    }

    fn put_back(&mut self) {
        let Some(service) = self.service.take() else { return };
        let mut turnstile = self.place.turnstile.lock();
        turnstile.service = Some(service);
        // The call itself is woken by the service.
        let other = turnstile.first().filter(|(number, _)| Some(*number) != self.place.number);
        let other = other.map(|(_, waker)| waker.clone());
        drop(turnstile);
        if let Some(other) = other {
            other.wake();
        }
    }
}

impl<S> Drop for Place<S> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<S> Drop for Turn<'_, S> {
    fn drop(&mut self) {
        self.put_back();
    }
}

impl<S, Req, Fut, T, E> Future for SharedFuture<S, Req, Fut>
where
    S: Service<Req, Response = T, Error = E, Future = Fut>,
    Fut: Future<Output = Result<T, E>>,
{
    type Output = Result<T, E>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        if let StateProjection::Waiting { place, request } = state.as_mut().project() {
            let Some(mut turn) = place.enter(cx.waker()) else { return Poll::Pending };
            let ready = turn.service.as_mut().map(|service| service.poll_ready(cx));
            let future = match (ready, turn.service.as_mut(), request.take()) {
                (Some(Poll::Ready(Ok(()))), Some(service), Some(it)) => service.call(it),
                (Some(Poll::Ready(Err(error))), _, _) => {
                    turn.over();
                    state.project_replace(State::Done);
                    return Poll::Ready(Err(error));
                }
                (_, _, unsent) => {
                    *request = unsent;
                    turn.wait(cx.waker());
                    return Poll::Pending;
                }
            };
            turn.over();
            state.as_mut().project_replace(State::Answering { future });
        }
        let StateProjection::Answering { future } = state.as_mut().project() else {
            panic!("a call was polled after it was over");
        };
        let outcome = ready!(future.poll(cx));
        state.project_replace(State::Done);
        Poll::Ready(outcome)
    }
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self { turnstile: Arc::clone(&self.turnstile) }
    }
}

impl<S> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

impl<S, Req, Fut> fmt::Debug for SharedFuture<S, Req, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Waiting { .. } => "SharedFuture::Waiting",
            State::Answering { .. } => "SharedFuture::Answering",
            State::Done => "SharedFuture::Done",
        })
    }
}
