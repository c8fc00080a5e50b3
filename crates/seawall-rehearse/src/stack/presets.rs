//! The stacks that a scenario file can name.

use std::time::Duration;

use seawall::breaker::BreakerBuilder;
use seawall::{AdaptiveLimit, Bulkhead};
use seawall::{Backoff, Budget, Random};
use seawall::{Breaker, ConfigError, Pipeline, Retry, WhileDown};

use super::on_retries::OnRetries;
use super::{Client, Stack, ThroughPipeline};
use crate::scenario::{Breaking, Budgeting, Layers, Preset, Retrying, Scenario, Settings};
use crate::time::duration;
use crate::world::Answer;

/// The class of every error is "transient", as without a classifier.
fn to_result(answer: Answer) -> Result<(), Answer> {
    if answer.is_done() { Ok(()) } else { Err(answer) }
}

impl Stack {
    /// A stack of a scenario file.
    pub(crate) fn from_settings(name: &str, settings: &Settings) -> Self {
        let settings = settings.clone();
        Self::made_by(name, move |random, scenario| match &settings {
            Settings::Preset(Preset::Standard) => standard(WhileDown::Wait, random, scenario),
            Settings::Preset(Preset::Refusing) => standard(WhileDown::Refuse, random, scenario),
            Settings::Preset(preset) => layers(&preset.layers(scenario), random, scenario),
            Settings::Layers(settings) => layers(settings, random, scenario),
        })
    }

    /// Waits for its deadline, and does nothing else.
    pub fn none() -> Self {
        Self::from_settings("none", &Settings::Preset(Preset::None))
    }

    /// Three attempts, without a budget.
    pub fn naive() -> Self {
        Self::from_settings("naive", &Settings::Preset(Preset::Naive))
    }

    /// [`Pipeline::standard`] with nothing but defaults.
    pub fn standard() -> Self {
        Self::from_settings("standard", &Settings::Preset(Preset::Standard))
    }
}

impl Stack {
    /// A stack by the word that scenario files use for it, such as "standard" or "breaker".
    pub fn preset(word: &str) -> Option<Self> {
        Preset::of(word).map(|preset| Self::from_settings(word, &Settings::Preset(preset)))
    }
}

impl Preset {
    fn layers(self, scenario: &Scenario) -> Layers {
        let retry = |budget| Some(Retrying { max_attempts: 3, budget, delay: None });
        let usual = Breaking::default();
        let breaker = Some(usual);
        let none = Layers::default();
        let naive = Layers {
            attempt: Some(scenario.load.attempt),
            retry: retry(Budgeting::Off),
            ..none.clone()
        };
        let budget = Layers { retry: retry(Budgeting::ByDefault), ..naive.clone() };
        let broken = Layers { breaker, ..budget.clone() };
        match self {
            Self::None | Self::Standard | Self::Refusing => none,
            Self::Naive => naive,
            Self::Budget => budget,
            Self::Breaker => broken,
            Self::Bulkhead => Layers { bulkhead: Some(30), ..broken },
            Self::Adaptive => Layers { adaptive_limit: true, ..broken },
            // With a limit on what is in flight the budget can be generous and the breaker can probe
            // often.
            Self::Limited => {
                let ms = crate::time::MILLISECOND;
                let open_wait = Some((100 * ms, 200 * ms));
                Layers {
                    adaptive_limit: true,
                    retry: retry(Budgeting::Deposit(0.5)),
                    breaker: Some(Breaking { open_wait, ..usual }),
                    ..broken
                }
            }
        }
    }
}

fn standard(
    while_down: WhileDown,
    random: Random,
    scenario: &Scenario,
) -> Result<Box<dyn Client>, ConfigError> {
    let pipeline = Pipeline::standard("standard")
        .timeout(duration(scenario.load.deadline))
        .idempotent()
        .congestion_control(|control| control.while_down(while_down))
        .random(random)
        .build()?;
    Ok(Box::new(ThroughPipeline { pipeline: pipeline.into(), to_result: to_result.into() }))
}

fn layers(
    layers: &Layers,
    random: Random,
    scenario: &Scenario,
) -> Result<Box<dyn Client>, ConfigError> {
    let retry = layers.retry.map(retrying).transpose()?;
    let breaker = |on_retries| layers.breaker.filter(|settings| settings.on_retries == on_retries);
    let on_retries = breaker(true).map(|settings| {
        // A handle that is built here draws from a source of its own.
        let random = random.split();
        breaking(settings).random(random).build().map(OnRetries)
    });
    let on_retries = on_retries.transpose()?;
    let attempt: Option<Duration> = layers.attempt.map(duration);
    let pipeline =
        Pipeline::builder("stack")
            .random(random)
            .timeout(duration(scenario.load.deadline))
            .layer(retry)
            .layer(breaker(false).map(breaking))
            .layer(on_retries)
            .layer(attempt.map(|limit| {
                seawall::Timeout::builder().limit(limit).scope(seawall::Scope::Attempt)
            }))
            .layer(layers.bulkhead.map(|limit| Bulkhead::builder().limit(limit)))
            .layer(layers.adaptive_limit.then(AdaptiveLimit::builder))
            .build()?;
    Ok(Box::new(ThroughPipeline { pipeline: pipeline.into(), to_result: to_result.into() }))
}

fn breaking(settings: Breaking) -> BreakerBuilder {
    let mut breaker = Breaker::builder();
    if let Some(failures) = settings.consecutive_failures {
        breaker = breaker.consecutive_failures(failures);
    }
    if let Some(rate) = settings.failure_rate {
        breaker = breaker.failure_rate(rate);
        if settings.consecutive_failures.is_none() {
            breaker = breaker.without_consecutive_failures();
        }
    }
    if let Some((first, longest)) = settings.open_wait {
        let wait = Backoff::exponential(duration(first)).max(duration(longest));
        breaker = breaker.open_wait(wait);
    }
    breaker
}

fn retrying(settings: Retrying) -> Result<seawall::retry::RetryBuilder, ConfigError> {
    let mut retry = Retry::builder().idempotent().max_attempts(settings.max_attempts);
    if let Some(delay) = settings.delay {
        retry = retry.backoff(Backoff::constant(duration(delay)));
    }
    Ok(match settings.budget {
        Budgeting::Off => retry.without_budget(),
        Budgeting::ByDefault => retry,
        Budgeting::Deposit(deposit) => retry.budget(&Budget::builder().deposit(deposit).build()?),
    })
}
