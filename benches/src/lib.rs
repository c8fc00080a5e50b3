//! Benches of seawall.
