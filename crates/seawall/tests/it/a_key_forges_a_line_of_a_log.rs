//! A key from outside stood as it was in refusals, events and descriptions: one with a newline made
//! up a line of the log.

use std::fmt::Display;

use seawall::breaker::KeyedBreaker;
use seawall::limit::{KeyedRateLimit, KeyedThrottle};
use seawall::retry::KeyedBudget;
use seawall::{Breaker, Budget, Error, Pipeline, RateLimit, Retry, Throttle};
use seawall_testkit::Recorder;

/// A newline, a terminal's escape, text that runs backwards, and a line separator.
const KEY: &str = "a\nbreaker 'db': closed\u{1b}[2J\u{202e}\u{2028}\u{85}";

fn is_one_line(shown: impl Display) {
    let shown = shown.to_string();
    let forges = |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{2028}');
    assert!(!shown.contains(forges), "{shown:?}");
}

#[tokio::test(start_paused = true)]
async fn refusals_events_and_descriptions_stay_on_their_line() {
    let breakers = KeyedBreaker::<String>::new(Breaker::builder().name("hosts"), 8).unwrap();
    let limits = RateLimit::builder().name("tenants").per_second(1);
    let limits = KeyedRateLimit::<String>::new(limits, 8).unwrap();
    let throttles = KeyedThrottle::<String>::new(Throttle::builder().name("zones"), 8).unwrap();
    let budgets = KeyedBudget::<String>::new(Budget::builder().name("users"), 8).unwrap();

    let breaker = breakers.get(KEY);
    breaker.force_open();
    is_one_line(breaker.try_acquire().unwrap_err());
    is_one_line(breaker.name());
    is_one_line(throttles.get(KEY).name());
    is_one_line(budgets.get(KEY).name());

    let heard = Recorder::default();
    let retry = Retry::builder().budget(&budgets.get(KEY));
    let pipeline = Pipeline::builder("inventory")
        .rate_limit(limits.get(KEY))
        .retry(retry)
        .throttle(throttles.get(KEY))
        .breaker(breaker)
        .listener(heard.clone())
        .build()
        .unwrap();
    is_one_line(pipeline.describe().to_string().replace('\n', " "));
    for _ in 0..2 {
        let refused: Result<(), Error<std::io::Error>> = pipeline.call(async || Ok(())).await;
        is_one_line(refused.unwrap_err());
    }
    for event in heard.events() {
        is_one_line(event);
    }
}

#[test]
fn two_keys_have_two_names() {
    let set = seawall::Name::from("hosts");
    let names = ["a\nb", "a\\nb", "a\\\nb"].map(|key| set.for_key(key));
    assert_eq!(
        names.each_ref().map(seawall::Name::as_str),
        [r"hosts[a\nb]", r"hosts[a\\nb]", r"hosts[a\\\nb]"]
    );
}
