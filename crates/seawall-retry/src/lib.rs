//! Retry with backoff, jitter, budgets and hedging.
