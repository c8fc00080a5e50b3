//! What stands between the client and the server.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use seawall::{Breaker, Pipeline, Retry};
use seawall_core::Error;
use seawall_limit::{AdaptiveLimit, Bulkhead};

use crate::server::{Failed, Server};

/// The whole call.
pub const DEADLINE: Duration = Duration::from_millis(500);
/// One attempt of it.
pub const ATTEMPT: Duration = Duration::from_millis(100);

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Good,
    /// A policy refused it before it was sent, or sent again.
    Refused,
    Bad,
}

pub type Calling = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Makes one call.
pub type Client = Box<dyn Fn(Arc<Server>) -> Calling + Send + Sync>;

/// A stack, and how to make the client of one.
pub struct Stack {
    pub name: &'static str,
    pub client: fn() -> Client,
}

/// All stacks, in the order of the table.
pub const ALL: &[Stack] = &[
    Stack { name: "none", client: none },
    Stack { name: "naive retries", client: naive },
    Stack { name: "retries with a budget", client: budget },
    Stack { name: "+ breaker (standard until now)", client: breaker },
    Stack { name: "+ bulkhead of 30", client: bulkhead },
    Stack { name: "+ adaptive limit", client: adaptive },
];

fn outcome(result: &Result<(), Error<Failed>>) -> Outcome {
    match result {
        Ok(()) => Outcome::Good,
        Err(error) if error.rejection().is_some() => Outcome::Refused,
        Err(_) => Outcome::Bad,
    }
}

macro_rules! client {
    ($pipeline:expr) => {{
        let pipeline = Arc::new($pipeline.build().expect("a valid pipeline"));
        Box::new(move |server: Arc<Server>| -> Calling {
            let pipeline = Arc::clone(&pipeline);
            Box::pin(async move {
                let call = || {
                    let server = Arc::clone(&server);
                    async move { server.call().await }
                };
                outcome(&pipeline.call(call).await)
            })
        })
    }};
}

fn none() -> Client {
    client!(Pipeline::builder("none").timeout(DEADLINE))
}

fn naive() -> Client {
    let retry = Retry::builder().idempotent().without_budget();
    client!(Pipeline::builder("naive").timeout(DEADLINE).retry(retry).attempt_timeout(ATTEMPT))
}

fn budget() -> Client {
    let retry = Retry::builder().idempotent();
    client!(Pipeline::builder("budget").timeout(DEADLINE).retry(retry).attempt_timeout(ATTEMPT))
}

fn breaker() -> Client {
    client!(Pipeline::standard("standard").timeout(DEADLINE).attempt_timeout(ATTEMPT).idempotent())
}

fn bulkhead() -> Client {
    client!(
        Pipeline::builder("bulkhead")
            .timeout(DEADLINE)
            .retry(Retry::builder().idempotent())
            .breaker(Breaker::builder())
            .attempt_timeout(ATTEMPT)
            .layer(Bulkhead::builder().limit(30))
    )
}

fn adaptive() -> Client {
    client!(
        Pipeline::builder("adaptive")
            .timeout(DEADLINE)
            .retry(Retry::builder().idempotent())
            .breaker(Breaker::builder())
            .attempt_timeout(ATTEMPT)
            .layer(AdaptiveLimit::builder())
    )
}
