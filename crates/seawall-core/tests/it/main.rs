//! The tests of `seawall-core` that need no process of their own.

mod a_listener_that_calls_back_is_called_without_end;
mod a_listener_that_panics_when_dropped_stops_all_events;
mod a_panic_caught_while_another_unwinds_takes_its_location;
mod admission;
mod backoff;
mod backoff_laws;
mod composition;
mod error;
mod keyed;
mod listeners;
mod panic;
mod panic_location;
mod setup;
mod transitions;
mod wakers;
