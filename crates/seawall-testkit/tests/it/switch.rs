//! A switch fails calls on command, without starting them.

use std::time::Duration;

use seawall_core::{
    AllTransient, Attempt, Description, FromFn, Lazy, Operation, Policy, PolicyKind, Reason,
    Rejection,
};
use seawall_testkit::{Script, Step, Switch};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn calls_fail_as_commanded_and_are_not_started() {
    let switch = Switch::default();
    let script = Script::<u32, &str>::new([Step::ok(7)]);
    let call = || Lazy::new(switch.wrap(FromFn::new(|| script.run(), &AllTransient)));
    assert_eq!(call().await.unwrap(), 7);

    let other = switch.clone();
    other.open();
    assert_eq!(call().await.unwrap_err().to_string(), "breaker 'switch': open");
    other.fill();
    assert_eq!(call().await.unwrap_err().rejection().unwrap().kind(), PolicyKind::Bulkhead);
    let shed = Rejection::new("orders".into(), PolicyKind::Throttle, Reason::Shed).retry_in(SECOND);
    other.refuse(shed);
    assert_eq!(call().await.unwrap_err().retry_after(), Some(SECOND));
    let begin = tokio::time::Instant::now();
    other.time_out(SECOND);
    let error = call().await.unwrap_err();
    assert_eq!(error.timed_out().unwrap().limit(), SECOND);
    assert_eq!((begin.elapsed(), script.started()), (Duration::ZERO, 1));

    other.pass();
    assert_eq!((call().await.unwrap(), script.started()), (7, 2));
}

#[tokio::test]
async fn each_attempt_follows_the_command_of_its_start() {
    let switch = Switch::default();
    let mut op = switch.wrap(FromFn::new(async || Ok::<_, ()>(7), &AllTransient));
    switch.open();
    let refused = op.attempt(Attempt::first());
    switch.pass();
    assert!(refused.await.is_err());
    assert_eq!(op.attempt(Attempt::first()).await.unwrap(), 7);
}

#[test]
fn a_description_shows_it() {
    let text = Switch::default().describe(Description::bare()).to_string();
    assert!(text.starts_with("test 'switch': as the test commands\n"), "{text}");
}
