//! What a pipeline says of its worst case, against calls that try to be worse.

use std::cell::Cell;
use std::time::Duration;

use seawall::retry::{HedgeBuilder, RetryBuilder};
use seawall::{Backoff, Jitter, Random};
use seawall::{Class, Description, Hedge, Pipeline, Retry};
use tokio::time::{Instant, sleep};

/// How an attempt goes: after how long it ends, and how. Asks to come back after a while, or not.
#[derive(Clone, Copy, Debug)]
struct Goes {
    millis: u64,
    well: bool,
    retry_after: Option<u64>,
}

type Script = Vec<Goes>;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[derive(Clone, Copy, Debug)]
struct Config {
    total: Option<u64>,
    attempt: Option<u64>,
    max_attempts: u32,
    deadline: Option<u64>,
    delay: u64,
    max_retry_after: u64,
    jitter: Jitter,
    max_in_flight: u32,
}

impl Config {
    fn draw(random: &Random) -> Self {
        const JITTERS: [Jitter; 5] = [
            Jitter::None,
            Jitter::Full,
            Jitter::Equal,
            Jitter::Proportional(0.5),
            Jitter::Decorrelated,
        ];
        let up_to = |bound| 1 + random.below(bound);
        let perhaps = |value| (random.below(2) == 0).then_some(value);
        let small = || u32::try_from(up_to(5)).unwrap();
        Self {
            total: perhaps(up_to(500)),
            attempt: perhaps(up_to(50)),
            max_attempts: small(),
            deadline: perhaps(up_to(200)),
            delay: up_to(20),
            max_retry_after: up_to(200),
            jitter: JITTERS[usize::try_from(random.below(5)).unwrap()],
            max_in_flight: small(),
        }
    }
}

fn script(random: &Random) -> Script {
    let goes = |_| Goes {
        millis: random.below(80),
        well: random.below(8) == 0,
        retry_after: (random.below(2) == 0).then(|| random.below(300)),
    };
    (0..=random.below(7)).map(goes).collect()
}

#[expect(clippy::ref_option, reason = "classifiers are given a reference to the whole error")]
fn class(retry_after: &Option<u64>) -> Class {
    match retry_after {
        Some(after) => Class::Overloaded { retry_after: Some(ms(*after)) },
        None => Class::Transient,
    }
}

impl Config {
    fn retry(&self) -> RetryBuilder {
        let backoff = Backoff::exponential(ms(self.delay)).max(ms(80)).jitter(self.jitter);
        let retry = Retry::builder()
            .idempotent()
            .max_attempts(self.max_attempts)
            .max_retry_after(ms(self.max_retry_after))
            .backoff(backoff)
            .without_budget();
        match self.deadline {
            Some(deadline) => retry.deadline(ms(deadline)),
            None => retry,
        }
    }

    fn hedge(&self) -> HedgeBuilder {
        Hedge::builder()
            .delay(ms(self.delay))
            .max_attempts(self.max_attempts)
            .max_in_flight(self.max_in_flight)
            .without_budget()
    }
}

/// How often `script` is started, and how long it takes, in `pipeline`.
macro_rules! run {
    ($pipeline:expr, $script:expr) => {{
        let (started, began) = (Cell::new(0), Instant::now());
        let _ = $pipeline
            .call(|| {
                let goes = $script[started.get() % $script.len()];
                started.set(started.get() + 1);
                async move {
                    sleep(ms(goes.millis)).await;
                    if goes.well { Ok(()) } else { Err(goes.retry_after) }
                }
            })
            .await;
        (started.get(), began.elapsed())
    }};
}

fn assert_within(description: &Description, (started, took): (usize, Duration), waits: u32) {
    let most = description.max_attempts().unwrap();
    assert!(u64::try_from(started).unwrap() <= most, "{started} attempts, not {most}");
    if let Some(longest) = description.longest() {
        // Timers have steps of a millisecond, so each wait may be up to one longer.
        assert!(took <= longest + waits * ms(1), "{took:?}, not {longest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_call_is_worse_than_what_its_pipeline_says() {
    for seed in 0..1_000 {
        let random = Random::seeded(seed);
        let config = Config::draw(&random);
        // What is not cut off takes as long as the script says.
        let (total, attempt) = (config.total.unwrap_or(86_400_000), config.attempt.unwrap_or(80));
        // An attempt that has as much time as the call is refused.
        let attempt = attempt.min(total - 1);
        let retried = Pipeline::builder("retried")
            .timeout(ms(total))
            .retry(config.retry())
            .attempt_timeout(ms(attempt))
            .classify(class)
            .build()
            .unwrap();
        let hedged = Pipeline::builder("hedged")
            .timeout(ms(total))
            .hedge(config.hedge())
            .attempt_timeout(ms(attempt))
            .classify(class)
            .build()
            .unwrap();
        for _ in 0..5 {
            let script = script(&random);
            let waits = 2 * config.max_attempts;
            assert_within(&retried.describe(), run!(retried, script), waits);
            assert_within(&hedged.describe(), run!(hedged, script), waits);
        }
    }
}
