//! Proofs about the pure machine: against a naive reference, and of its transition table. And what a
//! breaker takes.

mod closed;
mod defaults;
mod diagram;
mod half_open;
mod model;
mod orders;
mod ramp;
mod recovery;
mod reference;
mod rig;
mod rules;
mod size;
mod timing;
mod windows;
mod without_the_lock;
