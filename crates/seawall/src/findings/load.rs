//! Rules that need to know how much there is to do.

use std::time::Duration;

use seawall_core::inspect::Value;
use seawall_core::{Finding, PolicyKind};

use super::{Pipeline, count, time, warning};

/// The load that a pipeline is expected to have in good times, for rules that can't judge a limit
/// without it.
///
/// ```
/// use std::time::Duration;
/// use seawall::{ExpectedLoad, Pipeline};
///
/// # fn main() -> Result<(), seawall::ConfigError> {
/// let pipeline = Pipeline::builder("inventory")
///     .expected_load(ExpectedLoad::per_second(200.0).taking(Duration::from_millis(50)))
///     .bulkhead(5)
///     .build()?;
/// // 200 calls a second of 50 ms are 10 in flight.
/// assert_eq!(pipeline.findings()[0].rule, "limit/below-expected-load");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpectedLoad {
    per_second: f64,
    p50: Option<Duration>,
}

impl ExpectedLoad {
    /// So many calls a second, on average.
    pub const fn per_second(calls: f64) -> Self {
        Self { per_second: calls, p50: None }
    }

    /// Calls of which half take this long or less.
    #[must_use]
    pub const fn taking(mut self, p50: Duration) -> Self {
        self.p50 = Some(p50);
        self
    }

    /// How many calls there are in `time`.
    fn calls_in(&self, time: Duration) -> f64 {
        self.per_second * time.as_secs_f64()
    }

    /// How many calls there are in a second.
    pub(crate) const fn rate(&self) -> f64 {
        self.per_second
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
pub(super) fn window_too_small(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let Some(load) = pipeline.load else { return Vec::new() };
    let breakers = pipeline.layers.iter().filter(|layer| layer.kind == PolicyKind::Breaker);
    let found = breakers.filter_map(|breaker| {
        let (span, min_calls) = (time(breaker, "time_window")?, count(breaker, "min_calls")?);
        let is_off = |rate| matches!(breaker.settings.get(rate), None | Some(Value::Off));
        let calls = load.calls_in(span);
        let value = format!("{min_calls}, where {span:?} see {calls:.0} calls: no rate opens it");
        let advice = "as few as the window sees, or the window longer";
        let finding = warning("breaker/window-too-small", breaker, "min_calls", value, advice);
        let counts_shares = !(is_off("failure_rate") && is_off("slow_call_rate"));
        (counts_shares && min_calls as f64 > calls).then_some(finding)
    });
    found.collect()
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
pub(super) fn limit_below_load(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let needed = pipeline.load.and_then(|load| load.p50.map(|p50| load.calls_in(p50)));
    let Some(needed) = needed else { return Vec::new() };
    let found = pipeline.layers.iter().filter_map(|layer| {
        let field = match layer.kind {
            PolicyKind::Bulkhead => "limit",
            PolicyKind::AdaptiveLimit => "max",
            _ => return None,
        };
        let limit = count(layer, field)?;
        let value = format!(
            "{limit}, where the expected load has {needed:.0} calls in flight half of the time"
        );
        let advice = "above that, so that nothing is refused in good times";
        let finding = warning("limit/below-expected-load", layer, field, value, advice);
        ((limit as f64) < needed).then_some(finding)
    });
    found.collect()
}
