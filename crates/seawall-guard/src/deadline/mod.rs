//! A point in time by which a call has to be over, handed inwards and over the wire.

mod future;
mod policy;
mod wire;

pub use future::Scoped;
pub use policy::{Deadline, DeadlineCall};
pub use wire::{HEADER, WireError, decode, encode};
