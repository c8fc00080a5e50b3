//! Timeout, deadline, panic and fallback guards around a future.

pub mod deadline;
pub mod fallback;
pub mod panic_guard;
pub mod task;
pub mod timeout;

pub use deadline::Deadline;
pub use fallback::{Fallback, FallbackBuilder};
pub use panic_guard::{PanicGuard, PanicGuardBuilder};
pub use task::{Supervisor, Tasks};
pub use timeout::{Timeout, TimeoutBuilder};
