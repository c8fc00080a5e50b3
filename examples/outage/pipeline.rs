//! The client behind a seawall pipeline. This is the part to copy.

use seawall::Random;
use seawall::Shutdown;
use seawall::{Class, Error, Listener, Pipeline, Scope, Standard};
use seawall_telemetry::{MeasuredPipeline, Metrics};

use crate::client::{ATTEMPT_TIMEOUT, Client, DEADLINE, Line};
use crate::ledger::Outcome;
use crate::scenario::Scenario;
use crate::wire::Failure;

/// Asks through the standard pipeline: a timeout around retries around a breaker around an attempt
/// timeout around an adaptive limit around a panic guard.
pub struct Seawall {
    pipeline: MeasuredPipeline<Standard, fn(&Failure) -> Class>,
}

impl Seawall {
    /// A client with the library's defaults.
    ///
    /// The settings are facts that no library can know: how long the caller waits, that the
    /// request is safe to repeat, what its errors mean. The seeds make runs comparable.
    pub fn new(
        scenario: &Scenario,
        seed: u64,
        listener: impl Listener,
        shutdown: &Shutdown,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let random = Random::seeded(seed);
        let pipeline = Pipeline::standard("inventory")
            .timeout(scenario.call_timeout)
            .idempotent()
            .random(random)
            .classify(Failure::class as fn(&Failure) -> Class)
            .listener(listener)
            .shutdown(shutdown)
            .build()?;
        Ok(Self { pipeline: metrics.measure(pipeline)? })
    }

    /// The pipeline's description of itself.
    pub fn description(&self) -> Vec<String> {
        self.pipeline.describe().to_string().lines().map(str::to_owned).collect()
    }
}

impl Client for Seawall {
    async fn call(&self, line: &Line) -> Outcome {
        match self.pipeline.call(|| line.send()).await {
            Ok(()) => Outcome::Success,
            Err(error) => outcome(&error, line.attempts()),
        }
    }
}

/// How a call with this error ended, after this many attempts.
fn outcome(error: &Error<Failure>, attempts: u32) -> Outcome {
    match error.last() {
        Error::Operation { error, .. } => Outcome::Failure(error.as_str()),
        Error::TimedOut(timed_out) => Outcome::Failure(match timed_out.scope() {
            Scope::Attempt => ATTEMPT_TIMEOUT,
            _ => DEADLINE,
        }),
        // Nothing was sent: the caller knows at once, and the server was left alone.
        Error::Rejected(rejection) if attempts == 0 => {
            Outcome::Refusal(rejection.reason().as_str())
        }
        Error::Rejected(_) => Outcome::Failure("refused between attempts"),
        Error::Panicked(_) => Outcome::Failure("panicked"),
        _ => Outcome::Failure("cancelled"),
    }
}
