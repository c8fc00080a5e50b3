//! Each refusal of congestion control says which policy, why, since when, and when to try again.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{AllTransient, Error, Evidence, FromFn, Lazy, Policy, Reason, Rejection, Rule};
use seawall_limit::{CongestionControl, WhileDown};
use tokio::time::{Instant, sleep};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A call that takes 10 ms, and has `time`.
async fn call(
    control: &CongestionControl,
    time: Duration,
    outcome: Result<u32, &'static str>,
) -> Result<u32, Error<&'static str>> {
    let operation = || async move {
        sleep(10 * MS).await;
        outcome
    };
    let call = control.wrap(FromFn::new(operation, &AllTransient));
    Lazy::new(call).deadline(Instant::now() + time).await
}

/// A control that knows that answers take 10 ms.
async fn warm(while_down: WhileDown) -> CongestionControl {
    let control = CongestionControl::builder().name("stock").while_down(while_down);
    let control = control.build().unwrap();
    for _ in 0..200 {
        call(&control, SECOND, Ok(7)).await.unwrap();
    }
    control
}

async fn down(control: &CongestionControl) {
    for _ in 0..40 {
        if control.snapshot().down {
            return;
        }
        call(control, SECOND, Err("down")).await.unwrap_err();
    }
    panic!("{:?}", control.snapshot());
}

fn rejection(outcome: Result<u32, Error<&'static str>>) -> Rejection {
    outcome.unwrap_err().rejection().expect("it is refused").clone()
}

fn evidence(rejection: &Rejection) -> Evidence {
    rejection.evidence().expect("a refusal has evidence")
}

#[tokio::test(start_paused = true)]
async fn with_too_little_time_it_says_how_long_an_answer_takes() {
    let control = warm(WhileDown::Wait).await;
    let refused = rejection(call(&control, 5 * MS, Ok(7)).await);
    assert_eq!(refused.reason(), Reason::DeadlineTooNear);
    let Evidence { rule, observed, limit, .. } = evidence(&refused);
    assert_eq!((rule, Duration::from_secs_f64(observed)), (Rule::TimeLeft, 5 * MS));
    assert!((0.009..0.012).contains(&limit), "{limit}");
    // It would be refused at any time: what helps is more time.
    assert_eq!((refused.since(), refused.retry_after()), (None, None));
    let text = refused.to_string();
    assert!(
        text.starts_with(
            "congestion control 'stock': no admission before the deadline: 5.000ms left"
        )
    );
    assert!(text.ends_with("ms"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn after_a_wait_for_room_it_says_what_there_is_no_room_for() {
    let control = Arc::new(warm(WhileDown::Wait).await);
    let mut others = tokio::task::JoinSet::new();
    while control.snapshot().waiting == 0 {
        let control = Arc::clone(&control);
        others.spawn(async move {
            let never = FromFn::new(std::future::pending::<Result<u32, &str>>, &AllTransient);
            Lazy::new(control.wrap(never)).deadline(Instant::now() + SECOND).await
        });
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    let refused = rejection(call(&control, 100 * MS, Ok(7)).await);
    assert_eq!(refused.reason(), Reason::DeadlineTooNear);
    let waited = began.elapsed();
    assert!((80 * MS..100 * MS).contains(&waited), "{waited:?}");
    assert_eq!(refused.since(), Some(waited));
    let Evidence { rule, observed, limit, samples, .. } = evidence(&refused);
    assert_eq!(rule, Rule::InFlight);
    assert!(observed + 1.0 > limit && samples >= 1, "{observed} {limit} {samples}");
    assert!(refused.retry_after().is_some_and(|after| after > Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn after_a_wait_in_an_outage_it_says_since_when_and_when_to_try_again() {
    let control = warm(WhileDown::Wait).await;
    down(&control).await;
    let went_down = Instant::now();
    // Those that have the most time left probe, and fail.
    let control = Arc::new(control);
    let mut others = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let control = Arc::clone(&control);
        others.spawn(async move { call(&control, SECOND, Err("down")).await });
    }
    let refused = rejection(call(&control, 200 * MS, Ok(7)).await);
    assert_eq!(refused.reason(), Reason::DeadlineTooNear);
    let Evidence { rule, observed, limit, .. } = evidence(&refused);
    assert_eq!(rule, Rule::ConsecutiveFailures);
    assert!(observed >= limit && limit >= 20.0, "{observed} of {limit}");
    let since = refused.since().expect("an outage has a beginning");
    assert!(since <= went_down.elapsed() && since >= 150 * MS, "{since:?}");
    assert!(refused.retry_after().is_some_and(|after| after <= 250 * MS));
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_that_of_the_rule_that_held() {
    let control = warm(WhileDown::Refuse).await;
    // They come one a millisecond, so that there is no silence.
    let fail = || async { Err::<u32, _>("down") };
    while !control.snapshot().down {
        let call = control.wrap(FromFn::new(fail, &AllTransient));
        Lazy::new(call).deadline(Instant::now() + SECOND).await.unwrap_err();
        sleep(MS).await;
    }
    // Within the first deadline of an outage calls wait, and probe.
    let refused = loop {
        if let Error::Rejected(refused) = call(&control, SECOND, Err("down")).await.unwrap_err() {
            break refused;
        }
    };
    assert_eq!(refused.reason(), Reason::Open);
    let Evidence { observed, limit, .. } = evidence(&refused);
    assert!(
        (40.0..50.0).contains(&observed) && (limit - 40.0).abs() < 0.5,
        "{observed} of {limit}"
    );
}
