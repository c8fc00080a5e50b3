//! Each rule of severity error that a document can break, with the harm in numbers: the pipeline that it
//! refuses and the one that it asks for, in the same outage.

use std::sync::Arc;
use std::time::Duration;

use seawall::policy::Inspect;
use seawall::{
    AdaptiveLimit, Breaker, ByOutcome, Call, Class, Classify, ConfigError, Description, Fallback,
    FromAttemptFn, Pipeline, PipelineBuilder, Policy, Random, Retry, Scope, Timeout,
};
use seawall_rehearse::{Answer, Figures, Scenario, rehearse};

const MS: Duration = Duration::from_millis(1);

/// A policy that the rules do not see, so that what they refuse can be built.
struct Unseen<P>(P);

impl<P: Policy> Policy for Unseen<P> {
    type Wrapped<'p, Op>
        = P::Wrapped<'p, Op>
    where
        Self: 'p;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        self.0.wrap(op)
    }

    fn describe(&self, inner: Description) -> Description {
        inner
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        self.0.inspect(each);
    }
}

type Failure = std::io::Error;

fn to_result(answer: Answer) -> Result<&'static str, Failure> {
    match answer {
        Answer::Done => Ok("in stock"),
        bad => Err(Failure::other(format!("{bad:?}"))),
    }
}

fn outage(fault: &str) -> Scenario {
    let text = format!(
        "[load]\nrate = 150\ndeadline = \"1s\"\n[server]\nslots = 20\nbackends = 2\n\
         service = {{ kind = \"exponential\", mean = \"20ms\" }}\n[[fault]]\nat = \"2s\"\nfor = \"6s\"\n{fault}"
    );
    Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// What comes out with these layers, outermost first.
fn play<P, C>(
    scenario: &Scenario,
    build: impl Fn(Random) -> Result<Pipeline<P, C>, ConfigError> + Send + Sync + 'static,
) -> Figures
where
    P: Policy + 'static,
    C: Classify<&'static str, Failure> + 'static,
    for<'p> P::Wrapped<
        'p,
        FromAttemptFn<'p, seawall_rehearse::Sender<fn(Answer) -> Result<&'static str, Failure>>, C>,
    >: Call<Output = &'static str, Error = C::Failure>,
{
    let to_result: fn(Answer) -> Result<&'static str, Failure> = to_result;
    rehearse(scenario, build, to_result).figures().clone()
}

fn begin(random: Random) -> PipelineBuilder {
    Pipeline::builder("shop").random(random)
}

fn retry(random: &Random) -> Retry {
    let retry = Retry::builder().idempotent().backoff(10 * MS).without_budget();
    retry.random(random.clone()).build().unwrap()
}

fn attempt(limit: Duration) -> Timeout {
    Timeout::builder().scope(Scope::Attempt).limit(limit).build().unwrap()
}

fn breaker(random: &Random) -> Breaker {
    let wait = seawall::Backoff::constant(500 * MS);
    Breaker::builder().open_wait(wait).random(random.clone()).build().unwrap()
}

/// `order/attempt-timeout-outside-retry`: half of the attempts are never answered. Around the retry the
/// timeout ends the first of them and all others with it.
#[test]
fn an_attempt_timeout_outside_of_the_retry() {
    let scenario = outage("kind = \"black_hole\"\nbackend = 1");
    let refused = play(&scenario, |random| {
        let retry = retry(&random);
        begin(random).layer(Unseen(attempt(150 * MS))).retry(retry).build()
    });
    let advised = play(&scenario, |random| {
        let retry = retry(&random);
        begin(random).retry(retry).layer(attempt(150 * MS)).build()
    });
    assert!(refused.goodput_during < 0.6, "{refused:?}");
    assert!(advised.goodput_during > 0.8, "{advised:?}");
}

/// `order/attempt-timeout-outside-breaker`: nothing is answered. To a breaker inside, attempts that are cut
/// off were given up, so it goes on asking.
#[test]
fn an_attempt_timeout_outside_of_the_breaker() {
    let scenario = outage("kind = \"black_hole\"");
    let refused = play(&scenario, |random| {
        let breaker = breaker(&random);
        begin(random).layer(Unseen(attempt(150 * MS))).breaker(breaker).build()
    });
    let advised = play(&scenario, |random| {
        let breaker = breaker(&random);
        begin(random).breaker(breaker).layer(attempt(150 * MS)).build()
    });
    assert!(refused.amplification_during > 0.95, "{refused:?}");
    assert!(advised.amplification_during < 0.4, "{advised:?}");
}

/// `order/limit-outside-attempt-timeout`: one slot of twenty is left. A limit around the attempt's timeout
/// takes the time of the whole call for what an attempt has, and lets too many in for any of them to be
/// answered in time.
#[test]
fn a_limit_outside_of_the_attempt_timeout() {
    let scenario = outage("kind = \"slots\"\nleft = 1");
    let limit = || AdaptiveLimit::builder().build().unwrap();
    let refused = play(&scenario, move |random| {
        let retry = retry(&random);
        begin(random).retry(retry).layer(Unseen(limit())).layer(attempt(300 * MS)).build()
    });
    let advised = play(&scenario, move |random| {
        let retry = retry(&random);
        begin(random).retry(retry).layer(attempt(300 * MS)).layer(limit()).build()
    });
    assert!(refused.goodput_during < 0.42, "{refused:?}");
    assert!(advised.goodput_during > 0.48, "{advised:?}");
    assert!(refused.wasted > 2.0 * advised.wasted, "{refused:?}, {advised:?}");
}

/// What is no answer of the servers, for the account.
fn real(outcome: Result<&&'static str, &Failure>) -> Class {
    match outcome {
        Ok(&"in stock") => Class::Success,
        _ => Class::Transient,
    }
}

fn stale() -> Fallback<&'static str, seawall::Failed<&'static str, Failure>> {
    Fallback::value("stale").build().unwrap()
}

/// `order/fallback-inside-retry`: three of ten requests fail. Inside of the retry the fallback answers for
/// every first failure, so that nothing is repeated.
#[test]
fn a_fallback_inside_of_the_retry() {
    let scenario = outage("kind = \"errors\"\nshare = 0.3");
    let refused = play(&scenario, |random| {
        let retry = retry(&random);
        begin(random).retry(retry).layer(Unseen(stale())).classify(ByOutcome(real)).build()
    });
    let advised = play(&scenario, |random| {
        let retry = retry(&random);
        begin(random).fallback(stale()).retry(retry).classify(ByOutcome(real)).build()
    });
    assert!((0.6..0.8).contains(&refused.goodput_during), "{refused:?}");
    assert!(advised.goodput_during > 0.95, "{advised:?}");
}

/// `order/fallback-inside-breaker`: everything fails. The breaker around the fallback sees successes.
#[test]
fn a_fallback_inside_of_the_breaker() {
    let scenario = outage("kind = \"down\"");
    let refused = play(&scenario, |random| {
        let breaker = breaker(&random);
        begin(random).breaker(breaker).layer(Unseen(stale())).classify(ByOutcome(real)).build()
    });
    let advised = play(&scenario, |random| {
        let breaker = breaker(&random);
        begin(random).fallback(stale()).breaker(breaker).classify(ByOutcome(real)).build()
    });
    assert!(refused.amplification_during > 0.95, "{refused:?}");
    assert!(advised.amplification_during < 0.2, "{advised:?}");
}

/// `sum/attempt-not-below-total`: half of the attempts are never answered. One that has as long as the
/// whole call leaves no time for a second.
#[test]
fn an_attempt_that_has_all_the_time_of_the_call() {
    let scenario = outage("kind = \"black_hole\"\nbackend = 1");
    let build = |limit: Duration| {
        move |random: Random| {
            let retry = retry(&random);
            begin(random).timeout(600 * MS).retry(retry).layer(Unseen(attempt(limit))).build()
        }
    };
    let refused = play(&scenario, build(600 * MS));
    let advised = play(&scenario, build(150 * MS));
    assert!(refused.goodput_during < 0.6, "{refused:?}");
    assert!(advised.goodput_during > 0.8, "{advised:?}");
}

/// The rules do refuse these.
#[test]
fn what_is_shown_here_is_refused() {
    let rules = |result: Result<_, ConfigError>| result.map(|()| "").unwrap_err().rule.unwrap();
    let random = Random::seeded(1);
    let new = || begin(random.clone());
    let retried = new().layer(attempt(MS)).retry(retry(&random)).build().map(drop);
    assert_eq!(rules(retried), "order/attempt-timeout-outside-retry");
    let broken = new().layer(attempt(MS)).breaker(breaker(&random)).build().map(drop);
    assert_eq!(rules(broken), "order/attempt-timeout-outside-breaker");
    let limited = new().layer(AdaptiveLimit::builder()).layer(attempt(MS)).build().map(drop);
    assert_eq!(rules(limited), "order/limit-outside-attempt-timeout");
    let answered = new().retry(retry(&random)).layer(stale()).build().map(drop);
    assert_eq!(rules(answered), "order/fallback-inside-retry");
    let answered = new().breaker(breaker(&random)).layer(stale()).build().map(drop);
    assert_eq!(rules(answered), "order/fallback-inside-breaker");
    let summed = new().timeout(MS).layer(attempt(MS)).build().map(drop);
    assert_eq!(rules(summed), "sum/attempt-not-below-total");
}
