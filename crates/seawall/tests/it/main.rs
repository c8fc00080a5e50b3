//! The tests of `seawall` that need no process of their own.

mod capture;
mod idempotent_drops_the_retry_that_was_given;
mod limits;
mod pipeline;
mod shapes;
mod worst_case;
