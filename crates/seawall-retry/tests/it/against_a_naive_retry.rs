//! Calls of every kind against the loop that anybody would write, which has all the time in the world
//! and reads well: what is started when, what is told, what comes back, and what is left of the budget.

use std::cell::RefCell;
use std::pin::Pin;
use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{
    Attempt, Backoff, Class, Classified, Error, EventKind, Lazy, Operation, Panicked, Policy,
    PolicyKind, Reason, Rejection, StopReason, contain,
};
use seawall_retry::{Budget, Retry, RetryBuilder};
use seawall_testkit::Recorder;
use tokio::time::{Instant, sleep};

type Outcome = Result<u32, Error<u32>>;

/// What an attempt comes to.
#[derive(Clone, Copy, Debug)]
enum Comes {
    ToSuccess,
    To(Class),
    ToPanic(bool),
    ToRefusal(Option<u64>),
    ToShutdown,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    takes: u64,
    comes: Comes,
}

#[derive(Clone, Copy, Debug)]
struct Config {
    max_attempts: u32,
    idempotent: bool,
    said: Option<bool>,
    delay: u64,
    max_retry_after: u64,
    waits: bool,
    max_same_panics: u32,
    history: usize,
    deadline: Option<u64>,
    /// In tenths of a token.
    budget: Option<(u32, u32)>,
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

fn step() -> impl Strategy<Value = Step> {
    let hint = || prop::option::of(0_u64..60);
    let comes = prop_oneof![
        2 => Just(Comes::ToSuccess),
        8 => Just(Comes::To(Class::Transient)),
        3 => hint().prop_map(|after| Comes::To(Class::Overloaded { retry_after: after.map(ms) })),
        1 => Just(Comes::To(Class::Permanent)),
        1 => Just(Comes::To(Class::Ignored)),
        1 => Just(Comes::To(Class::Cancelled)),
        3 => any::<bool>().prop_map(Comes::ToPanic),
        2 => hint().prop_map(Comes::ToRefusal),
        1 => Just(Comes::ToShutdown),
    ];
    (prop_oneof![Just(0), 0_u64..30], comes).prop_map(|(takes, comes)| Step { takes, comes })
}

fn config() -> impl Strategy<Value = Config> {
    (
        (1_u32..6, any::<bool>(), prop::option::of(any::<bool>()), prop_oneof![Just(0), 1_u64..40]),
        (1_u64..50, any::<bool>(), 1_u32..4, prop_oneof![Just(0_usize), 1_usize..4]),
        (prop::option::of(1_u64..120), prop::option::of((0_u32..15, 0_u32..40))),
    )
        .prop_map(|((max_attempts, idempotent, said, delay), rest, (deadline, budget))| {
            let (max_retry_after, waits, max_same_panics, history) = rest;
            Config {
                max_attempts,
                idempotent,
                said,
                delay,
                max_retry_after,
                waits,
                max_same_panics,
                history,
                deadline,
                budget,
            }
        })
}

impl Config {
    fn builder(&self, budget: Option<&Budget>) -> RetryBuilder {
        let retry = Retry::builder()
            .max_attempts(self.max_attempts)
            .backoff(Backoff::constant(ms(self.delay)))
            .max_retry_after(ms(self.max_retry_after))
            .max_same_panics(self.max_same_panics)
            .history(self.history);
        let retry = if self.idempotent { retry.idempotent() } else { retry };
        let retry = if self.waits { retry.wait_for_rejections() } else { retry };
        let retry = match self.deadline {
            Some(deadline) => retry.deadline(ms(deadline)),
            None => retry,
        };
        match budget {
            Some(budget) => retry.budget(budget),
            None => retry.without_budget(),
        }
    }

    fn budget(&self) -> Option<Budget> {
        let tenths = |n| f64::from(n) / 10.0;
        let (deposit, reserve) = self.budget?;
        let budget = Budget::builder()
            .refill_per_second(0.0)
            .deposit(tenths(deposit))
            .reserve(tenths(reserve));
        Some(budget.capacity(tenths(reserve.max(10))).build().unwrap())
    }
}

/// The outcome of attempt `number` of a call.
fn outcome(comes: Comes, number: u32) -> Outcome {
    Err(match comes {
        Comes::ToSuccess => return Ok(number),
        Comes::To(class) => Error::operation_failed(number, class),
        Comes::ToPanic(one) => {
            let report = contain(|| panic!("{}", if one { "one" } else { "another" }));
            Error::from(Panicked::new("guard".into(), report.unwrap_err()))
        }
        Comes::ToRefusal(after) => {
            let refusal = Rejection::new("breaker".into(), PolicyKind::Breaker, Reason::Open);
            match after {
                Some(after) => refusal.retry_in(ms(after)).into(),
                None => refusal.into(),
            }
        }
        Comes::ToShutdown => {
            Rejection::new("gate".into(), PolicyKind::Shutdown, Reason::ShuttingDown).into()
        }
    })
}

/// What is seen of a call from outside.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    /// When each attempt was started, in milliseconds from the beginning of all.
    started: Vec<u64>,
    told: Vec<String>,
    ended: u64,
    why: Option<StopReason>,
    attempts: u32,
    elapsed: u64,
    last: String,
    history: Vec<String>,
    delays: Vec<Duration>,
    before: Option<String>,
}

/// The loop that anybody would write.
struct Naive {
    config: Config,
    now: u64,
    /// In tenths.
    tokens: u32,
}

impl Naive {
    fn call(&mut self, script: &[Step]) -> Seen {
        let Config { budget, max_attempts, max_same_panics, .. } = self.config;
        if let Some((deposit, reserve)) = budget {
            self.tokens = (self.tokens + deposit).min(reserve.max(10));
        }
        let (began, mut seen) = (self.now, Seen::default());
        let (mut history, mut before) = (Vec::new(), None);
        let mut panics: (Option<bool>, u32) = (None, 0);
        let mut number = 1;
        loop {
            let step = script[(number as usize - 1).min(script.len() - 1)];
            seen.started.push(self.now);
            self.now += step.takes;
            let result = outcome(step.comes, number);
            let Err(error) = &result else { return self.end(seen, &result) };
            if let Comes::ToPanic(which) = step.comes {
                panics = (Some(which), if panics.0 == Some(which) { panics.1 + 1 } else { 1 });
            }
            let poisoned = matches!(step.comes, Comes::ToPanic(_)) && panics.1 >= max_same_panics;
            let class = error.class();
            let may = self.config.said.unwrap_or(self.config.idempotent);
            let (repeat, hint, free) = match step.comes {
                Comes::ToRefusal(Some(after)) if self.config.waits => {
                    (self.config.said != Some(false), after, true)
                }
                Comes::To(Class::Overloaded { retry_after }) => {
                    (may, retry_after.map_or(0, millis), false)
                }
                Comes::To(Class::Transient) | Comes::ToPanic(_) => (may, 0, false),
                _ => (false, 0, false),
            };
            let delay = self.config.delay.max(hint);
            let late = |limit: u64| self.now + delay >= began + limit;
            let unsaid = self.config.said.is_none() && number < max_attempts;
            let why = if !repeat {
                Some(match step.comes {
                    Comes::To(Class::Overloaded { .. } | Class::Transient) | Comes::ToPanic(_)
                        if unsaid =>
                    {
                        StopReason::NotIdempotent
                    }
                    Comes::ToShutdown | Comes::To(Class::Cancelled) => StopReason::Shutdown,
                    Comes::ToRefusal(_) => StopReason::Rejected,
                    _ => StopReason::Permanent,
                })
            } else if number == max_attempts {
                Some(StopReason::Attempts)
            } else if poisoned {
                Some(StopReason::Poisoned)
            } else if hint > self.config.max_retry_after {
                Some(StopReason::RetryAfter)
            } else if self.config.deadline.is_some_and(late) {
                Some(StopReason::Deadline)
            } else if budget.is_some() && !free && self.tokens < 10 {
                Some(StopReason::Budget)
            } else {
                None
            };
            let unsaid = why == Some(StopReason::NotIdempotent);
            let pass = number == 1 && !unsaid && (!repeat || max_attempts == 1);
            if let (Some(why), false) = (why, pass) {
                seen.told.push(EventKind::gave_up(number, why, class).to_string());
                (seen.why, seen.attempts, seen.elapsed) = (Some(why), number, self.now - began);
                (seen.history, seen.delays) = history.into_iter().unzip();
                seen.before = before.filter(|_| why == StopReason::Rejected);
                return self.end(seen, &result);
            }
            if pass {
                return self.end(seen, &result);
            }
            if budget.is_some() && !free {
                self.tokens -= 10;
            }
            seen.told.push(EventKind::retrying(number, class, ms(delay)).to_string());
            if self.config.history > 0 {
                history.push((error.to_string(), ms(delay)));
                if history.len() > self.config.history {
                    history.remove(0);
                }
            } else if !matches!(step.comes, Comes::ToRefusal(_) | Comes::ToShutdown) {
                before = Some(error.to_string());
            }
            self.now += delay;
            number += 1;
        }
    }

    fn end(&self, seen: Seen, result: &Outcome) -> Seen {
        Seen { ended: self.now, last: format!("{result:?}"), ..seen }
    }
}

/// The operation that does as the script says.
struct Scripted<'s> {
    script: &'s [Step],
    epoch: Instant,
    started: &'s RefCell<Vec<u64>>,
}

impl Operation for Scripted<'_> {
    type Output = u32;
    type Error = u32;
    type Future = Pin<Box<dyn Future<Output = Outcome>>>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        let number = attempt.number();
        let step = self.script[(number as usize - 1).min(self.script.len() - 1)];
        self.started.borrow_mut().push(millis(self.epoch.elapsed()));
        Box::pin(async move {
            if step.takes > 0 {
                sleep(ms(step.takes)).await;
            }
            outcome(step.comes, number)
        })
    }
}

/// What is seen of a call through `retry`.
async fn call(
    retry: &Retry,
    said: Option<bool>,
    script: &[Step],
    epoch: Instant,
    recorder: Option<&Recorder>,
) -> Seen {
    let started = RefCell::new(Vec::new());
    let operation = Scripted { script, epoch, started: &started };
    let attempt = said.map_or(Attempt::first(), |said| Attempt::first().idempotent(said));
    let result = Lazy::new(retry.wrap(operation)).with_attempt(attempt).await;
    let mut seen = Seen { ended: millis(epoch.elapsed()), ..Seen::default() };
    seen.started = started.into_inner();
    if let Some(recorder) = recorder {
        seen.told = recorder.take().iter().map(|event| event.kind.to_string()).collect();
    }
    seen.last = match result {
        Err(Error::GaveUp(gave_up)) => {
            let gave_up = *gave_up;
            (seen.why, seen.attempts) = (Some(gave_up.why), gave_up.attempts);
            seen.elapsed = millis(gave_up.elapsed);
            seen.history = gave_up.history.iter().map(ToString::to_string).collect();
            seen.delays = gave_up.delays;
            seen.before = gave_up.before.map(|before| before.to_string());
            format!("{:?}", Outcome::Err(gave_up.last))
        }
        result => format!("{result:?}"),
    };
    seen
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(vec![
        Class::Success,
        Class::Transient,
        Class::Overloaded { retry_after: None },
        Class::Permanent,
        Class::Ignored,
        Class::Cancelled,
        Class::Panicked,
    ])
}

/// All of a result but how long it took.
fn shown(mut result: Result<u32, Error<Class>>) -> String {
    if let Err(Error::GaveUp(gave_up)) = &mut result {
        gave_up.elapsed = Duration::ZERO;
        // Kept by the one form, and not by the other where attempts follow one another at once.
        gave_up.before = None;
    }
    format!("{result:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn both_do_the_same(
        config in config(),
        scripts in prop::collection::vec(prop::collection::vec(step(), 1..6), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().unwrap();
        for told in [true, false] {
            let budget = config.budget();
            let retry = config.builder(budget.as_ref()).build().unwrap();
            let recorder = told.then(Recorder::default);
            if let Some(recorder) = &recorder {
                retry.listeners().add(recorder.clone());
            }
            let tokens = config.budget.map_or(0, |(_, reserve)| reserve);
            let mut naive = Naive { config, now: 0, tokens };
            runtime.block_on(async {
                let epoch = Instant::now();
                for script in &scripts {
                    let mut expected = naive.call(script);
                    let seen = call(&retry, config.said, script, epoch, recorder.as_ref()).await;
                    if !told {
                        // Attempts that follow one another at once keep nothing of those before.
                        (expected.told, expected.before) = (Vec::new(), seen.before.clone());
                    }
                    assert_eq!(seen, expected, "{script:?}");
                    if let Some(budget) = &budget {
                        let left = budget.snapshot().tokens.unwrap() * 10.0;
                        let expected = f64::from(naive.tokens);
                        assert!((left - expected).abs() < 0.01, "{script:?}: {left}, not {expected}");
                    }
                }
            });
        }
    }

    /// Where there is nothing to wait for. Long scripts: after some attempts it is others' turn.
    #[test]
    fn the_blocking_form_does_the_same_as_the_other(
        config in config(),
        max_attempts in 1_u32..80,
        told in any::<bool>(),
        scripts in prop::collection::vec((0_u32..80, class()), 1..5),
    ) {
        let config = Config { max_attempts, delay: 0, deadline: None, ..config };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let both = [(); 2].map(|()| {
            let budget = config.budget();
            let retry = config.builder(budget.as_ref()).build().unwrap();
            let recorder = Recorder::default();
            if told {
                retry.listeners().add(recorder.clone());
            }
            (retry, recorder, budget)
        });
        for (failures, end) in scripts {
            let attempts = RefCell::new(Vec::new());
            let each = |attempt: Attempt| {
                attempts.borrow_mut().push((attempt.number(), attempt.max(), attempt.last()));
                match attempt.number() {
                    number if number <= failures => Err(Class::Transient),
                    number if end == Class::Success => Ok(number),
                    _ => Err(end),
                }
            };
            let by_class = |class: &Class| *class;
            let classified = Classified::new(&both[0].0, by_class);
            let asynchronous = runtime.block_on(classified.call_with(async |it| each(it)));
            let asynchronous = (shown(asynchronous), attempts.take());
            let blocking = Classified::new(&both[1].0, by_class).call_blocking_with(each);
            assert_eq!(asynchronous, (shown(blocking), attempts.take()));
            let [here, there] = both.each_ref().map(|(_, recorder, budget)| {
                let told: Vec<_> = recorder.take().iter().map(|it| it.kind.to_string()).collect();
                (told, budget.as_ref().map(Budget::snapshot))
            });
            assert_eq!(here, there);
        }
    }
}
