//! The body that attempts share: what was read of it, and what is still to be read.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use seawall::policy::{WakerSlot, Wakers, catch};

use super::ReplayError;
use super::memory::Holding;
use crate::BoxError;

/// What a frame costs besides its bytes.
const FRAME_COST: usize = size_of::<Kept>();

/// Frames below this are copied: a slice of a few bytes holds the whole buffer that it is from.
const COPIED_BELOW: usize = 1 << 10;

/// A frame that was read.
#[derive(Clone)]
pub(super) enum Kept {
    Data(Bytes),
    Trailers(Arc<HeaderMap>),
}

/// The answer to an attempt that asks for a frame.
pub(super) enum Next {
    Frame(Kept),
    End,
    Failed(ReplayError),
}

pub(super) struct Source<B> {
    hint: SizeHint,
    state: Mutex<State<B>>,
    waiting: Arc<Waiting>,
}

/// The attempts that wait for the body. The body wakes all of them: each may be dropped any time.
#[derive(Default)]
struct Waiting(Wakers);

struct State<B> {
    /// Absent while an attempt polls it, as its code runs outside of the lock, and at its end.
    body: Option<Pin<Box<B>>>,
    /// What was read and is kept.
    kept: VecDeque<Kept>,
    /// The number of the first frame that is kept: 0 while the body is whole.
    base: usize,
    holding: Holding,
    end: Option<Result<(), ReplayError>>,
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.0.wake_all();
    }
}

impl Kept {
    fn cost(&self) -> usize {
        let bytes = match self {
            Self::Data(data) => data.len(),
            Self::Trailers(map) => {
                map.iter().map(|(name, it)| name.as_str().len() + it.len()).sum()
            }
        };
        bytes + FRAME_COST
    }
}

/// A frame as it is kept, if it is of a known kind.
fn kept_of<D: Buf>(frame: Frame<D>) -> Option<Kept> {
    match frame.into_data() {
        Ok(mut data) if data.remaining() < COPIED_BELOW => {
            let mut copy = Vec::with_capacity(data.remaining());
            while data.has_remaining() {
                let chunk = data.chunk();
                copy.extend_from_slice(chunk);
                let read = chunk.len();
                data.advance(read);
            }
            Some(Kept::Data(copy.into()))
        }
        Ok(mut data) => Some(Kept::Data(data.copy_to_bytes(data.remaining()))),
        Err(frame) => frame.into_trailers().ok().map(|it| Kept::Trailers(Arc::new(it))),
    }
}

impl<B: Body> Source<B> {
    pub(super) fn new(body: B, holding: Holding) -> Self {
        let body = Some(Box::pin(body));
        let state = State { body, kept: VecDeque::new(), base: 0, holding, end: None };
        Self { hint: state.hint(), state: Mutex::new(state), waiting: Arc::default() }
    }

    /// Whether it can be read from its beginning.
    pub(super) fn is_whole(&self) -> bool {
        let state = self.state.lock();
        state.base == 0 && !matches!(state.end, Some(Err(_)))
    }

    /// Whether nothing follows after `position` frames.
    pub(super) fn is_over(&self, position: usize) -> bool {
        let state = self.state.lock();
        position == state.read() && matches!(state.end, Some(Ok(())))
    }

    pub(super) const fn hint(&self) -> &SizeHint {
        &self.hint
    }
}

impl<B> Source<B> {
    /// Forgets the attempt that waits in `slot`.
    pub(super) fn leave(&self, slot: &WakerSlot) {
        self.waiting.0.remove(slot);
    }
}

impl<B: Body<Error: Into<BoxError>>> Source<B> {
    /// The frame after `position` frames. An attempt that `is_alone` keeps nothing for others.
    pub(super) fn poll_frame(
        &self,
        position: usize,
        is_alone: bool,
        slot: &mut WakerSlot,
        cx: &mut Context<'_>,
    ) -> Poll<Next> {
        if let Some(next) = self.state.lock().known(position, is_alone) {
            return Poll::Ready(next);
        }
        // Before the body is taken: an attempt that polls it wakes all that are registered.
        self.waiting.0.register(slot, cx.waker());
        let next = loop {
            let mut state = self.state.lock();
            if let Some(next) = state.known(position, is_alone) {
                break next;
            }
            let Some(mut body) = state.body.take() else { return Poll::Pending };
            drop(state);
            let waker = Waker::from(Arc::clone(&self.waiting));
            let mut context = Context::from_waker(&waker);
            let polled = catch(|| poll(body.as_mut(), &mut context));
            let frame = match polled {
                Ok(Poll::Pending) => {
                    self.state.lock().body = Some(body);
                    return Poll::Pending;
                }
                Ok(Poll::Ready(frame)) => frame,
                Err(panic) => {
                    self.state.lock().end = Some(Err(ReplayError::Panicked));
                    self.waiting.0.wake_all();
                    panic.resume();
                }
            };
            let (next, unneeded) = self.state.lock().take(frame, body, is_alone);
            drop(unneeded);
            self.waiting.0.wake_all();
            if let Some(next) = next {
                break next;
            }
        };
        self.leave(slot);
        Poll::Ready(next)
    }
}

/// A frame of a known kind, and whether it is the last.
type Polled<E> = Option<Result<(Option<Kept>, bool), E>>;

fn poll<B: Body>(mut body: Pin<&mut B>, cx: &mut Context<'_>) -> Poll<Polled<B::Error>> {
    let frame = ready!(body.as_mut().poll_frame(cx));
    Poll::Ready(frame.map(|frame| frame.map(|it| (kept_of(it), body.is_end_stream()))))
}

/// What is dropped outside of the lock.
type Unneeded<B> = (Option<Pin<Box<B>>>, VecDeque<Kept>);

impl<B: Body> State<B> {
    fn hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::new, Body::size_hint)
    }

    /// How many frames were read.
    fn read(&self) -> usize {
        self.base + self.kept.len()
    }

    /// What follows after `position` frames, if that is known.
    fn known(&mut self, position: usize, is_alone: bool) -> Option<Next> {
        let Some(index) = position.checked_sub(self.base) else {
            return Some(Next::Failed(ReplayError::TooLarge));
        };
        if is_alone {
            // Nobody reads these any more.
            for _ in 0..=index {
                let Some(frame) = self.kept.pop_front() else { break };
                self.base += 1;
                self.holding.release(frame.cost());
                if self.base > position {
                    return Some(Next::Frame(frame));
                }
            }
        } else if let Some(frame) = self.kept.get(index) {
            return Some(Next::Frame(frame.clone()));
        }
        self.end.clone().map(|end| end.map_or_else(Next::Failed, |()| Next::End))
    }

    /// Takes what the body gave. Returns it where it is not kept: it is for the attempt that read it.
    fn take(
        &mut self,
        frame: Polled<B::Error>,
        body: Pin<Box<B>>,
        is_alone: bool,
    ) -> (Option<Next>, Unneeded<B>)
    where
        B::Error: Into<BoxError>,
    {
        let nothing = VecDeque::new();
        let (frame, is_last) = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                self.end = Some(Err(ReplayError::body(error.into())));
                return (None, (Some(body), nothing));
            }
            None => {
                self.end = Some(Ok(()));
                return (None, (Some(body), nothing));
            }
        };
        let body = if is_last {
            self.end = Some(Ok(()));
            Some(body)
        } else {
            self.body = Some(body);
            None
        };
        // A frame of a kind that is not known yet is passed over.
        let Some(frame) = frame else { return (None, (body, nothing)) };
        if self.base == 0 && !is_alone && self.holding.keep(frame.cost()) {
            self.kept.push_back(frame);
            return (None, (body, nothing));
        }
        self.base = self.read() + 1;
        self.holding.release_all();
        (Some(Next::Frame(frame)), (body, std::mem::take(&mut self.kept)))
    }
}
