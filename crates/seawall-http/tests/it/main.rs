//! One binary for all tests of the crate.

mod axum_server;
mod body_guard;
mod by_hand;
mod class;
#[cfg(feature = "reqwest")]
mod client;
#[cfg(feature = "reqwest")]
mod client_authority;
mod deadline;
#[cfg(feature = "reqwest")]
mod h2_servers;
mod options;
mod problem;
mod respond;
mod retry_after;
#[cfg(feature = "server")]
mod served;
mod server;
#[cfg(feature = "server")]
mod server_drain;
mod server_layer;
mod server_panics;
mod server_priorities;
mod upstream;
