//! Timeout, deadline, panic and fallback guards around a future.

pub mod panic_guard;
pub mod timeout;

pub use panic_guard::{PanicGuard, PanicGuardBuilder};
pub use timeout::{Timeout, TimeoutBuilder};
