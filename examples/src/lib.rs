//! What a user of seawall would really do, as programs that run.
//!
//! | example | shows |
//! |---|---|
//! | `cargo run --release --example outage` | three clients living through one outage, and what is left of each |
//! | `cargo run --example circuit_transitions` | a breaker in every state that it has, and why it got there |
//! | `cargo run --example http_service` | a service between its callers and a dependency: axum, `reqwest`, metrics |
//! | `cargo run --example http_shutdown` | a server that goes down without a lost request |
//! | `cargo run --example outage_check` | whether the report of an outage adds up and keeps its promises |
