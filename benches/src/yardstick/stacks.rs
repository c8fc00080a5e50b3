//! The stacks of policies between the client and the server.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seawall::{Breaker, Pipeline, Retry};
use seawall_core::Backoff;
use seawall_limit::{AdaptiveLimit, Bulkhead};
use seawall_retry::Budget;

use crate::server::{Failed, Server};

/// The whole call.
pub(crate) const DEADLINE: Duration = Duration::from_millis(500);
/// One attempt of it.
pub(crate) const ATTEMPT: Duration = Duration::from_millis(100);

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Good,
    /// A policy refused it, and no attempt was sent.
    Refused,
    Bad,
}

pub(crate) type Calling = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Makes one call.
pub(crate) type Client = Box<dyn Fn(Arc<Server>) -> Calling + Send + Sync>;

/// One call: its server, and whether an attempt was sent.
#[derive(Clone)]
pub(crate) struct Request {
    server: Arc<Server>,
    sent: Arc<AtomicBool>,
}

impl Request {
    pub(crate) fn to(server: Arc<Server>) -> Self {
        Self { server, sent: Arc::default() }
    }

    /// Sends it; each time counts as a request.
    pub(crate) async fn send(self) -> Result<(), Failed> {
        self.sent.store(true, Ordering::Relaxed);
        self.server.call().await
    }

    pub(crate) fn outcome(&self, good: bool) -> Outcome {
        match (good, self.sent.load(Ordering::Relaxed)) {
            (true, _) => Outcome::Good,
            (false, true) => Outcome::Bad,
            (false, false) => Outcome::Refused,
        }
    }
}

/// A stack, and how to make the client of one.
pub(crate) struct Stack {
    pub(crate) name: &'static str,
    pub(crate) client: fn() -> Client,
}

/// Seawall's stacks and the others, in the order of the table.
pub(crate) const ALL: &[Stack] = &[
    Stack { name: "none", client: none },
    Stack { name: "naive retries", client: naive },
    Stack { name: "retries with a budget", client: budget },
    Stack { name: "timeouts, retries, breaker", client: breaker },
    Stack { name: "the same + bulkhead of 30", client: bulkhead },
    Stack { name: "the same + adaptive limit", client: adaptive },
    Stack { name: "limited: that, tuned to the limit", client: limited },
    Stack { name: "Pipeline::standard", client: standard },
];

macro_rules! client {
    ($pipeline:expr) => {{
        let pipeline = Arc::new($pipeline.build().expect("a valid pipeline"));
        Box::new(move |server: Arc<Server>| -> Calling {
            let pipeline = Arc::clone(&pipeline);
            let request = Request::to(server);
            Box::pin(async move {
                let good = pipeline.call(|| request.clone().send()).await.is_ok();
                request.outcome(good)
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

fn standard() -> Client {
    client!(Pipeline::standard("standard").timeout(DEADLINE).attempt_timeout(ATTEMPT).idempotent())
}

fn breaker() -> Client {
    client!(
        Pipeline::builder("breaker")
            .timeout(DEADLINE)
            .retry(Retry::builder().idempotent())
            .breaker(Breaker::builder())
            .attempt_timeout(ATTEMPT)
    )
}

/// With a limit on what is in flight the budget of the retries can be generous and the breaker can
/// probe often.
fn limited() -> Client {
    let budget = Budget::builder().deposit(0.5).build().expect("a valid budget");
    let open_wait =
        Backoff::exponential(Duration::from_millis(100)).max(Duration::from_millis(200));
    client!(
        Pipeline::builder("limited")
            .timeout(DEADLINE)
            .retry(Retry::builder().idempotent().budget(&budget))
            .breaker(Breaker::builder().open_wait(open_wait))
            .attempt_timeout(ATTEMPT)
            .layer(AdaptiveLimit::builder())
    )
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
