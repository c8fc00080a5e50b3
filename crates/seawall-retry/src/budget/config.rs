//! How a budget is configured.

use std::fmt::Display;

use seawall_core::{Check, ConfigError, Listeners, Name, PolicyKind, Reporter, Setup};

use super::Budget;
use super::defaults::{
    DEFAULT_COST, DEFAULT_DEPOSIT, DEFAULT_REFILL_PER_SECOND, DEFAULT_RESERVE, MAX_TOKENS,
};
use super::share::SharePlan;
use super::tokens::{TokenPlan, WHOLE};

/// The unit that a budget counts in: billionths. Less would be nothing.
const LEAST: f64 = 1e-9;

/// Builds a [`Budget`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`name`](Self::name) | `"budget"` | |
/// | [`deposit`](Self::deposit) | 0.2 tokens a call | [`DEFAULT_DEPOSIT`] |
/// | [`reserve`](Self::reserve) | 10 tokens | [`DEFAULT_RESERVE`] |
/// | [`capacity`](Self::capacity) | the reserve, or one repetition if that is more | tokens that were saved in good times are spent at once in bad ones |
/// | [`cost`](Self::cost) | 1 token a repetition | |
/// | [`refill_per_second`](Self::refill_per_second) | 0.1 tokens | [`DEFAULT_REFILL_PER_SECOND`] |
/// | [`in_flight`](Self::in_flight) | not limited | it counts every call in and out |
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct BudgetBuilder {
    setup: Setup,
    deposit: f64,
    cost: f64,
    reserve: f64,
    capacity: Option<f64>,
    per_second: f64,
    tokens: bool,
    share: Option<(f64, u32)>,
}

/// What a budget is made from.
type Parts = (Reporter, Option<TokenPlan>, Option<SharePlan>);

impl Default for BudgetBuilder {
    fn default() -> Self {
        Self {
            setup: Setup::default(),
            deposit: DEFAULT_DEPOSIT,
            cost: DEFAULT_COST,
            reserve: DEFAULT_RESERVE,
            capacity: None,
            per_second: DEFAULT_REFILL_PER_SECOND,
            tokens: true,
            share: None,
        }
    }
}

impl BudgetBuilder {
    /// The name in events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// How many tokens each call pays in before its first attempt, whatever its outcome: 0.1 allows
    /// one repetition in ten calls. 0, or at least a billionth; all figures are rounded to billionths.
    pub fn deposit(mut self, tokens: f64) -> Self {
        self.deposit = tokens;
        self
    }

    /// How many tokens a repetition costs. Above 0.
    pub fn cost(mut self, tokens: f64) -> Self {
        self.cost = tokens;
        self
    }

    /// How many tokens are there at the start. At least 0.
    pub fn reserve(mut self, tokens: f64) -> Self {
        self.reserve = tokens;
        self
    }

    /// How many tokens can be saved. At least the reserve and the cost.
    pub fn capacity(mut self, tokens: f64) -> Self {
        self.capacity = Some(tokens);
        self
    }

    /// How many tokens are added each second without a call, for services with little traffic. At
    /// least 0; with 0 the budget reads no clock.
    pub fn refill_per_second(mut self, tokens: f64) -> Self {
        self.per_second = tokens;
        self
    }

    /// How many repetitions may be in flight at once: a share of the calls in flight, at least a
    /// billionth and at most 1, but no fewer than `floor`. Limits repetitions in addition to tokens.
    pub fn in_flight(mut self, share: f64, floor: u32) -> Self {
        self.share = Some((share, floor));
        self
    }

    /// No tokens: only the repetitions [in flight](Self::in_flight) are limited.
    pub fn without_tokens(mut self) -> Self {
        self.tokens = false;
        self
    }

    /// The listeners that receive its events: it is exhausted, it has recovered.
    ///
    /// A budget has recovered when half of the reserve is there and five repetitions could be granted,
    /// or when it is full. If a full budget covers only one repetition, or if places in flight are
    /// limited, repetitions also have to be granted in a row without a refusal: ten, or as many as
    /// there are places. Recovery is noticed when a call pays in or a repetition is granted.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Builds the budget. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Budget, ConfigError> {
        let (reporter, tokens, share) = self.parts()?;
        Ok(Budget::of(reporter, tokens, share))
    }

    /// What a budget is made from.
    pub(super) fn parts(self) -> Result<Parts, ConfigError> {
        let setup = self.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<Parts, ConfigError> {
        const CHECK: Check = Check::of(PolicyKind::Budget);
        let limited = self.tokens || self.share.is_some();
        CHECK.that(limited, "in_flight", "not set", "set where there are no tokens")?;
        let tokens = if self.tokens { Some(self.token_plan()?) } else { None };
        let share = match self.share {
            Some((share, floor)) => {
                CHECK.rate("in_flight", share)?;
                let counts = share >= LEAST;
                CHECK.that(counts, "in_flight", share, "at least 1e-9 and at most 1")?;
                Some(SharePlan { share: billionths(share), floor })
            }
            None => None,
        };
        Ok((self.setup.reporter(PolicyKind::Budget)?, tokens, share))
    }

    fn token_plan(&self) -> Result<TokenPlan, ConfigError> {
        let capacity = self.capacity.unwrap_or(self.reserve.max(self.cost));
        let plan = TokenPlan {
            deposit: amount("deposit", self.deposit)?,
            cost: amount("cost", self.cost)?,
            reserve: amount("reserve", self.reserve)?,
            capacity: amount("capacity", capacity)?,
            per_second: amount("refill_per_second", self.per_second)?,
        };
        refuse_unless(plan.cost > 0, "cost", self.cost, "at least 1e-9")?;
        let holds = plan.capacity >= plan.reserve.max(plan.cost);
        refuse_unless(holds, "capacity", capacity, "at least the reserve and the cost")?;
        Ok(plan)
    }
}

fn refuse_unless(
    holds: bool,
    field: &'static str,
    value: impl Display,
    allowed: &'static str,
) -> Result<(), ConfigError> {
    Check::of(PolicyKind::Budget).that(holds, field, value, allowed)
}

fn amount(field: &'static str, tokens: f64) -> Result<u64, ConfigError> {
    let holds = tokens == 0.0 || (LEAST..=MAX_TOKENS).contains(&tokens);
    refuse_unless(holds, field, tokens, "0, or at least 1e-9 and at most 1e9")?;
    Ok(billionths(tokens))
}

/// Rounded to the nearest, so that 0.1 is a tenth exactly.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the callers have checked the range"
)]
fn billionths(number: f64) -> u64 {
    (number * WHOLE as f64).round() as u64
}
