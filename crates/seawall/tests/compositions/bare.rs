//! The innermost of a call: a closure that starts an attempt.

use std::rc::Rc;

use seawall::{Class, FromAttemptFn, Operation};

use crate::erased::AnyOperation;
use crate::operation::{Fault, World, classify, start};

pub(crate) fn operation<'a>(world: &Rc<World>) -> AnyOperation<'a> {
    let world = Rc::clone(world);
    let mut operation = FromAttemptFn::new(
        move |attempt| start(&world, attempt),
        &(classify as fn(&Fault) -> Class),
    );
    AnyOperation(Box::new(move |attempt| Box::pin(operation.attempt(attempt))))
}
