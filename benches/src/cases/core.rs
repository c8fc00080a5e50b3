//! The cost of the vocabulary itself, before any policy.

use seawall_core::{
    AllTransient, Attempt, Call, FromFn, FromFuture, Identity, Lazy, Operation, Policy,
};

use crate::operation::ready;
use crate::{Case, poll, polled};

/// The core's cases.
pub fn cases() -> Vec<Case> {
    vec![
        Case::variant("core/ready", "started at once", || {
            polled(
                |cx| poll(FromFuture::new(ready(), &AllTransient).start(Attempt::first()), cx),
                1,
                Result::is_ok,
            )
        }),
        Case::variant("core/ready", "started lazily", || {
            polled(
                |cx| {
                    let call = FromFn::new(ready, &AllTransient);
                    poll(Lazy::new(Identity.wrap(call)), cx)
                },
                1,
                Result::is_ok,
            )
        }),
        Case::variant("core/ready", "as an operation", || {
            polled(
                |cx| poll(FromFn::new(ready, &AllTransient).attempt(Attempt::first()), cx),
                1,
                Result::is_ok,
            )
        }),
    ]
}
