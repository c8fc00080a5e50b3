//! The atomics of the budget: the real ones, or loom's under `--cfg seawall_loom`.

#[cfg(seawall_loom)]
pub(crate) use loom::sync::atomic::AtomicU64;
#[cfg(not(seawall_loom))]
pub(crate) use std::sync::atomic::AtomicU64;
