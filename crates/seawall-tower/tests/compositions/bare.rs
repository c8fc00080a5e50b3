//! The innermost of a call: a service, which is ready when it is asked for the second time.

use std::rc::Rc;
use std::task::{Context, Poll};

use seawall::{Attempt, Class, Operation};
use seawall_tower::{ByClone, CallOptions, ServiceCall};
use tower::Service;

use crate::erased::AnyOperation;
use crate::operation::{Fault, Running, World, classify, start};

struct Innermost {
    world: Rc<World>,
    asked: u32,
}

/// The request: the attempt that it is sent in.
#[derive(Clone, Copy)]
struct Sent(Attempt);

/// Has each request say which attempt it is.
struct Number;

impl CallOptions<Sent> for Number {
    fn first_attempt(&self, request: &Sent) -> Attempt {
        request.0
    }

    fn prepare(&self, request: &mut Sent, attempt: &Attempt) {
        request.0 = *attempt;
    }
}

impl Clone for Innermost {
    fn clone(&self) -> Self {
        Self { world: Rc::clone(&self.world), asked: 0 }
    }
}

impl Service<Sent> for Innermost {
    type Response = u32;
    type Error = Fault;
    type Future = Running;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.asked += 1;
        if self.asked < 2 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Sent) -> Running {
        self.world.law(self.asked >= 2, || "a service was called unready".into());
        self.asked = 0;
        start(&self.world, request.0)
    }
}

pub(crate) fn operation<'a>(world: &Rc<World>) -> AnyOperation<'a> {
    let service = Innermost { world: Rc::clone(world), asked: 0 };
    let request = Sent(Attempt::first());
    let classifier = &(classify as fn(&Fault) -> Class);
    let mut call = ServiceCall::new(service, request, classifier, &Number, &ByClone);
    AnyOperation(Box::new(move |attempt| Box::pin(call.attempt(attempt))))
}
