//! Proofs about the pure machine: against a naive reference, and of its transition table. And what a
//! breaker takes.

mod diagram;
mod edges;
mod half_open;
mod model;
mod ramp;
mod reference;
mod rules;
mod size;
mod windows;
