//! What an operator can order.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::inspect::{Inspect, Order};
use seawall_core::{AllTransient, CircuitState, Error, FromFn, Lazy, Policy, Reason, StopReason};
use seawall_limit::CongestionControl;
use seawall_testkit::{Recorder, Script, Step};
use tokio::time::{Instant, advance, sleep};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

type Outcome = Result<u32, Error<&'static str>>;

async fn call(control: &CongestionControl, operation: &Script<u32, &'static str>) -> Outcome {
    let wrapped = control.wrap(FromFn::new(|| operation.run(), &AllTransient));
    Lazy::new(wrapped).deadline(Instant::now() + SECOND).await
}

fn answers() -> Script<u32, &'static str> {
    Script::new([Step::after(10 * MS, Ok(7))])
}

fn reason(outcome: &Outcome) -> Reason {
    outcome.as_ref().unwrap_err().rejection().expect("it is refused").reason()
}

#[tokio::test(start_paused = true)]
async fn held_open_it_refuses_until_it_is_released() {
    let control = CongestionControl::builder().name("stock").build().unwrap();
    let recorder = Recorder::default();
    control.listeners().add(recorder.clone());
    call(&control, &answers()).await.unwrap();
    control.force_open();
    control.clone().force_open();
    advance(3 * SECOND).await;
    let operation = answers();
    let refused = call(&control, &operation).await;
    assert_eq!((reason(&refused), operation.started()), (Reason::ForcedOpen, 0));
    let text = refused.unwrap_err().to_string();
    assert_eq!(text, "congestion control 'stock': forced open by an operator for 3.000s");
    assert!(control.snapshot().forced_open);
    control.release();
    call(&control, &operation).await.unwrap();
    advance(5 * SECOND).await;
    let snapshot = control.snapshot();
    assert_eq!(snapshot.time_forced_open, 3 * SECOND);
    assert_eq!((snapshot.time_down, snapshot.circuit()), (Duration::ZERO, CircuitState::Closed));
    assert_eq!(recorder.path(), ["closed → forced open", "forced open → closed"]);
}

#[tokio::test(start_paused = true)]
async fn those_that_wait_are_refused_and_what_is_in_flight_goes_on() {
    let control = Arc::new(CongestionControl::builder().idempotent().build().unwrap());
    let (slow, failing) = (
        Script::new([Step::after(50 * MS, Ok(7))]),
        Script::new([Step::after(10 * MS, Err("down")), Step::ok(7)]),
    );
    let mut busy = tokio::task::JoinSet::new();
    for operation in std::iter::repeat_n(slow, 19).chain([failing]) {
        let control = Arc::clone(&control);
        busy.spawn(async move { call(&control, &operation).await });
    }
    let waits = {
        let control = Arc::clone(&control);
        tokio::spawn(async move { (call(&control, &answers()).await, Instant::now()) })
    };
    sleep(MS).await;
    assert_eq!((control.snapshot().in_flight, control.snapshot().waiting), (20, 1));
    let began = Instant::now();
    control.force_open();
    let (refused, at) = waits.await.unwrap();
    assert_eq!((reason(&refused), at), (Reason::ForcedOpen, began));
    let (answered, failed): (Vec<_>, Vec<_>) =
        busy.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((answered.len(), failed.len()), (19, 1));
    let failed = failed.into_iter().next().unwrap().unwrap_err();
    assert_eq!(failed.operation(), Some(&"down"), "{failed}: nothing is repeated");
    assert!(failed.gave_up().is_none_or(|gave_up| gave_up.why == StopReason::Rejected));
    assert_eq!(control.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn released_into_an_outage_it_probes_first() {
    let control = CongestionControl::builder().build().unwrap();
    let down = Script::new([Step::after(10 * MS, Err("down"))]);
    call(&control, &answers()).await.unwrap();
    while !control.snapshot().down {
        call(&control, &down).await.unwrap_err();
    }
    let recorder = Recorder::default();
    control.listeners().add(recorder.clone());
    control.force_open();
    assert_eq!(reason(&call(&control, &answers()).await), Reason::ForcedOpen);
    control.release();
    assert!(control.snapshot().down && !control.snapshot().forced_open);
    // Of calls that are rare a third probes.
    advance(4 * SECOND).await;
    call(&control, &answers()).await.unwrap();
    let path = ["open → forced open", "forced open → open", "open → closed"];
    assert_eq!(recorder.path(), path);
}

#[test]
fn orders_that_it_does_not_know_are_refused() {
    let control = CongestionControl::builder().build().unwrap();
    control.order(&Order::ForceOpen).unwrap();
    assert!(control.snapshot().forced_open);
    control.order(&Order::Release).unwrap();
    assert!(!control.snapshot().forced_open);
    for order in [Order::ForceClosed, Order::Shadow, Order::Reset, Order::SetLimit(3)] {
        let error = control.order(&order).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("a congestion control does not know the order {}", order.label())
        );
    }
}
