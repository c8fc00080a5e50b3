//! One binary for all tests of the crate.

mod axum_server;
mod body_guard;
mod by_hand;
mod class;
#[cfg(feature = "reqwest")]
mod client;
#[cfg(feature = "reqwest")]
mod client_authority;
#[cfg(feature = "reqwest")]
mod client_deadline;
#[cfg(feature = "tonic")]
mod client_grpc;
#[cfg(all(feature = "reqwest", feature = "server"))]
mod client_h2_peer;
#[cfg(feature = "reqwest")]
mod client_hostile;
#[cfg(feature = "json")]
mod client_json;
#[cfg(feature = "hyper-util")]
mod client_layer;
#[cfg(feature = "reqwest-middleware")]
mod client_middleware;
#[cfg(all(feature = "hyper-util", feature = "reqwest"))]
mod client_repeating;
#[cfg(all(feature = "hyper-util", feature = "reqwest"))]
mod client_streams;
mod deadline;
#[cfg(feature = "tonic")]
mod grpc_peer;
#[cfg(feature = "reqwest")]
mod h2_servers;
mod options;
mod problem;
#[cfg(feature = "server")]
mod python;
mod respond;
mod retry_after;
#[cfg(feature = "server")]
mod served;
mod server;
#[cfg(feature = "server")]
mod server_bodies;
#[cfg(feature = "server")]
mod server_drain;
#[cfg(feature = "server")]
mod server_hostile;
mod server_layer;
mod server_panics;
#[cfg(feature = "server")]
mod server_peers;
mod server_priorities;
#[cfg(feature = "server")]
mod server_slow;
#[cfg(feature = "server")]
mod server_tonic;
mod upstream;
#[cfg(feature = "server")]
mod whole;
