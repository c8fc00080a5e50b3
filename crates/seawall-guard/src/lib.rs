//! Timeout, deadline, panic and fallback guards around a future.
