//! Graceful shutdown that reports what it left behind.
