//! The clients that most programs have: one that asks once, one that asks again and again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::ledger::{OpenCall, Outcome};
use crate::wire::{Failure, Wire};

/// A client that makes calls and waits for the answers, in its own way.
pub trait Client: Send + Sync + 'static {
    /// Makes one call, with any number of attempts, and returns how it ended.
    fn call(&self, line: &Line) -> impl Future<Output = Outcome> + Send;
}

/// What a client uses for one call: the wire, and the ledger that counts each attempt.
#[derive(Debug)]
pub struct Line {
    wire: Arc<Wire>,
    call: OpenCall,
}

impl Line {
    pub const fn new(wire: Arc<Wire>, call: OpenCall) -> Self {
        Self { wire, call }
    }

    /// Sends the request, once.
    pub async fn send(&self) -> Result<(), Failure> {
        self.call.attempt();
        self.wire.get().await
    }

    /// How many times the request was sent.
    pub fn attempts(&self) -> u32 {
        self.call.attempts()
    }

    pub fn settle(self, outcome: Outcome) {
        self.call.settle(outcome);
    }
}

/// Waiting for the answer took too long.
pub const DEADLINE: &str = "deadline passed";
/// The last attempt took too long.
pub const ATTEMPT_TIMEOUT: &str = "attempt timed out";

/// Asks once and waits as long as its caller does.
#[derive(Debug)]
pub struct Bare {
    pub call_timeout: Duration,
}

impl Client for Bare {
    async fn call(&self, line: &Line) -> Outcome {
        match timeout(self.call_timeout, line.send()).await {
            Ok(Ok(())) => Outcome::Success,
            Ok(Err(failure)) => Outcome::Failure(failure.as_str()),
            Err(_) => Outcome::Failure(DEADLINE),
        }
    }
}

/// Asks up to three times, at once after each failure.
#[derive(Debug)]
pub struct Naive {
    pub call_timeout: Duration,
    pub attempt_timeout: Duration,
}

impl Naive {
    const MAX_ATTEMPTS: u32 = 3;

    async fn persist(&self, line: &Line) -> Outcome {
        loop {
            let cause = match timeout(self.attempt_timeout, line.send()).await {
                Ok(Ok(())) => return Outcome::Success,
                Ok(Err(failure)) => failure.as_str(),
                Err(_) => ATTEMPT_TIMEOUT,
            };
            if line.attempts() == Self::MAX_ATTEMPTS {
                return Outcome::Failure(cause);
            }
        }
    }
}

impl Client for Naive {
    async fn call(&self, line: &Line) -> Outcome {
        let all = timeout(self.call_timeout, self.persist(line)).await;
        all.unwrap_or(Outcome::Failure(DEADLINE))
    }
}
