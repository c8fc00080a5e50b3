//! Proofs about the pure machine: against a naive reference, and of its transition table.

mod diagram;
mod model;
mod ramp;
mod reference;
mod windows;
