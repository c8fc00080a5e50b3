//! Programs as users of seawall write them.
//!
//! | example | shows |
//! |---|---|
//! | `cargo run --release --example outage` | three clients in the same outage, and how many calls of each survive |
//! | `cargo run --example circuit_transitions` | a breaker in each of its states, with the reason for each transition |
//! | `cargo run --example http_service` | a service between its callers and a dependency: axum, `reqwest`, metrics |
//! | `cargo run --example http_shutdown` | a server that shuts down without a lost request |
//! | `cargo run --example outage_check` | whether the report of an outage adds up and keeps its promises |

macro_rules! guides {
    ($($name:ident: $page:literal),+ $(,)?) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("../../docs/guides/", $page, ".md"))]
            struct $name;
        )+
    };
}

#[cfg(doctest)]
#[doc = include_str!("../../docs/decisions/0312-a-cache-coalesces-not-a-policy.md")]
struct Coalescing;

// The code of the guides is run, or compiled where it needs a server.
guides! {
    Axum: "axum",
    Blocking: "blocking",
    Library: "library",
    Reqwest: "reqwest",
    WhichPolicy: "which-policy",
    Workers: "workers",
}
