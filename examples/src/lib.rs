//! Examples of seawall.
