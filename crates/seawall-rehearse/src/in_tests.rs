//! Rehearsing from a test.

use std::fmt;
use std::time::Duration;

use seawall::FromAttemptFn;
use seawall::Random;
use seawall::{Call, Classify, ConfigError, Pipeline, Policy};

use crate::figures::Figures;
use crate::rehearsal::Rehearsal;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::stack::{Sender, Stack};
use crate::world::Answer;

/// Plays a scenario against a pipeline, from a test.
///
/// `build` makes the pipeline of one client under one seed; what its policies draw has to come from
/// the [`Random`] that it is given. `to_result` says what an [`Answer`] of the servers looks like as
/// the result of an operation, so that the pipeline's classifier sees what it knows.
///
/// It runs on threads of its own with clocks of their own: inside `#[test]`, and inside
/// `#[tokio::test]` with any runtime, it neither sleeps nor leaves a task behind.
///
/// ```
/// use std::time::Duration;
/// use seawall::Random;
/// use seawall::{ConfigError, Pipeline, StandardPipeline};
/// use seawall_rehearse::{Answer, Scenario, rehearse};
///
/// fn inventory(random: Random) -> Result<StandardPipeline, ConfigError> {
///     Pipeline::standard("inventory")
///         .timeout(Duration::from_millis(500))
///         .attempt_timeout(Duration::from_millis(100))
///         .idempotent()
///         .random(random)
///         .build()
/// }
///
/// let scenario = Scenario::parse(
///     r#"
///     [load]
///     rate = 300
///     deadline = "500ms"
///     [server]
///     slots = 10
///     service = { kind = "exponential", mean = "20ms" }
///     [[fault]]
///     kind = "freeze"
///     at = "3s"
///     for = "2s"
///     "#,
/// )?;
/// let rehearsed = rehearse(&scenario, inventory, |answer| match answer {
///     Answer::Done => Ok("in stock"),
///     bad => Err(std::io::Error::other(format!("{bad:?}"))),
/// });
/// assert!(rehearsed.recovery() < Duration::from_secs(1), "{rehearsed}");
/// # Ok::<_, seawall_rehearse::Mistakes>(())
/// ```
///
/// # Panics
///
/// Where `build` fails, and where the pipeline panics: it is for tests. A
/// [`Rehearsal`] returns errors instead.
#[expect(clippy::panic, reason = "a test wants to end here")]
pub fn rehearse<P, C, T, E, R>(
    scenario: &Scenario,
    build: impl Fn(Random) -> Result<Pipeline<P, C>, ConfigError> + Send + Sync + 'static,
    to_result: R,
) -> Rehearsed
where
    P: Policy + 'static,
    C: Classify<T, E> + 'static,
    T: 'static,
    E: 'static,
    R: Fn(Answer) -> Result<T, E> + Send + Sync + 'static,
    for<'p> P::Wrapped<'p, FromAttemptFn<'p, Sender<R>, C>>: Call<Output = T, Error = C::Failure>,
{
    let stack = Stack::pipeline("pipeline", build, to_result);
    match Rehearsal::of(scenario.clone(), vec![stack]).run() {
        Ok(report) => Rehearsed { scenario: scenario.clone(), report },
        Err(error) => panic!("{error}"),
    }
}

/// What came out of [`rehearse`]: the worst over the scenario's seeds.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    scenario: Scenario,
    report: Report,
}

impl Rehearsed {
    /// From the end of the last fault until goodput is at least 90 % for good; [`Duration::MAX`]
    /// where that never comes.
    pub fn recovery(&self) -> Duration {
        time(self.figures().recovery)
    }

    /// Calls without an answer by their deadline, from the first fault until ten seconds after the
    /// last, as seconds of the load.
    pub fn loss(&self) -> Duration {
        time(self.figures().loss)
    }

    /// Requests per call over the same time.
    pub fn amplification(&self) -> f64 {
        self.figures().amplification
    }

    /// Whether it does not come back by itself, under one of the seeds at least.
    pub fn is_metastable(&self) -> bool {
        self.figures().metastable > 0.0
    }

    /// The worst of each figure.
    pub fn figures(&self) -> &Figures {
        &self.report.stacks[0].worst
    }

    /// The whole report.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Of what an omniscient client would save in comparison with no protection, the share that this
    /// pipeline saves. Plays both. `None` where they differ by less than 0.3 s a seed.
    pub fn gain(&self) -> Option<f64> {
        let bounds = vec![Stack::none(), Stack::omniscient()];
        let bounds = Rehearsal::of(self.scenario.clone(), bounds).run().ok()?;
        let [none, omniscient] = [0, 1].map(|index| bounds.stacks[index].losses());
        let seeds = self.report.seeds.len();
        crate::report::gain(none, omniscient, self.report.stacks[0].losses(), seeds)
    }
}

fn time(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

impl fmt::Display for Rehearsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report.table())
    }
}
