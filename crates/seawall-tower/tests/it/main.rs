//! One binary for all tests of the crate.

mod a_503_that_nobody_counts;
mod a_failed_readiness_is_repeated_for_ever;
mod a_slot_is_held_by_a_call_that_is_refused;
mod a_slot_is_held_by_a_call_that_waits;
mod an_unready_clone_is_called;
mod boxed_errors;
mod cancel;
mod idempotent_is_read_from_the_answer;
mod leaked;
mod options;
mod panics;
mod probe;
mod readiness;
mod readiness_is_asked_once_for_all_attempts;
mod readiness_that_never_comes;
mod repeat;
#[cfg(feature = "replay")]
mod replay;
mod shared;
mod single;
