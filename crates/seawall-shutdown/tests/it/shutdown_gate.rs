//! The refusal of new calls, as a policy.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::inspect::{Counter, Gauge, Inspect, Measures};
use seawall_core::{
    AllTransient, Attempt, CircuitState, Error, EventKind, FromFn, Layer, LayerContext, Lazy,
    Operation, Policy, Reason,
};
use seawall_shutdown::{Shutdown, ShutdownGate};
use seawall_testkit::{Recorder, at_every_await};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

type Outcome = Result<u32, Error<&'static str>>;

fn is_refused(outcome: &Outcome) -> bool {
    let Err(error) = outcome else { return false };
    let rejection = error.rejection().map(seawall_core::Rejection::reason);
    rejection == Some(Reason::ShuttingDown)
}

#[tokio::test(start_paused = true)]
async fn a_token_refuses_new_calls_and_lets_those_in_flight_finish() {
    let token = CancellationToken::new();
    let gate = ShutdownGate::builder().shutdown(token.clone()).build().unwrap();
    let slow = async {
        sleep(Duration::from_secs(1)).await;
        Ok(7)
    };
    let in_flight = gate.call::<_, u32, &str>(slow);
    let waiting = gate.call(async { Ok(8) });
    let cancelling = async {
        sleep(Duration::from_millis(1)).await;
        token.cancel();
        let outcome: Outcome = waiting.await;
        assert!(is_refused(&outcome), "made before, but not admitted yet");
    };
    let (outcome, ()) = tokio::join!(in_flight, cancelling);
    assert_eq!(outcome.unwrap(), 7);
    assert!(gate.is_closed());
    assert!(gate.try_acquire().is_err());
}

#[tokio::test]
async fn a_token_that_was_cancelled_before_refuses() {
    let token = CancellationToken::new();
    token.cancel();
    let gate = ShutdownGate::builder().shutdown(token.clone()).build().unwrap();
    assert!(is_refused(&gate.call(async { Ok(1) }).await));
}

#[tokio::test(start_paused = true)]
async fn calls_count_as_requests_in_flight_of_the_coordinator() {
    let shutdown = Shutdown::builder().build().unwrap();
    let gate = ShutdownGate::builder().coordinator(&shutdown).build().unwrap();
    let call = gate.call::<_, u32, &str>(async {
        sleep(Duration::from_secs(1)).await;
        Ok(7)
    });
    let ending = async {
        sleep(Duration::from_millis(500)).await;
        assert_eq!(shutdown.in_flight().count(), 1);
        shutdown.trigger("test");
        shutdown.run().await
    };
    let (outcome, report) = tokio::join!(call, ending);
    assert_eq!(outcome.unwrap(), 7);
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.total, Duration::from_millis(500));
    assert!(is_refused(&gate.call(async { Ok(1) }).await));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_at_any_await_counts_it_out() {
    let shutdown = Shutdown::builder().build().unwrap();
    let gate = ShutdownGate::builder().coordinator(&shutdown).build().unwrap();
    let awaits = at_every_await(
        || {
            gate.call::<_, u32, &str>(async {
                sleep(Duration::from_secs(1)).await;
                tokio::task::yield_now().await;
                Ok(7)
            })
        },
        |_| assert_eq!(shutdown.in_flight().count(), 0),
    )
    .await;
    assert!(awaits >= 2, "{awaits}");
}

#[tokio::test]
async fn as_a_layer_it_takes_name_listeners_and_token_of_its_pipeline() {
    let token = CancellationToken::new();
    let recorder = Recorder::default();
    let mut context = LayerContext::new("orders");
    context.shutdown = Some(token.clone());
    context.listeners.add(recorder.clone());
    let gate = ShutdownGate::builder().into_policy(&context).unwrap();
    let operation = || FromFn::new(async || Ok::<_, &str>(7), &AllTransient);
    assert_eq!(Lazy::new(gate.wrap(operation())).await.unwrap(), 7);
    token.cancel();
    let error = Lazy::new(gate.wrap(operation())).await.unwrap_err();
    assert_eq!(error.to_string(), "shutdown 'orders': shutting down");
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Rejected(_))), 1);
    // An operation that is repeated is asked about each time.
    let mut wrapped = gate.wrap(operation());
    assert!(is_refused(&wrapped.attempt(Attempt::first()).await));
    let description = gate.describe(seawall_core::Description::bare()).to_string();
    assert!(description.starts_with("shutdown 'orders': refuses new calls"));
}

#[tokio::test]
async fn a_gate_without_token_or_counter_admits_everything() {
    let gate = ShutdownGate::builder().name("idle").build().unwrap();
    assert_eq!(gate.call(async { Ok::<_, &str>(1) }).await.unwrap(), 1);
    assert!(ShutdownGate::builder().name("").build().is_err());
    drop(gate.call(pending::<Result<u32, &str>>()));
}

/// The gauges of a policy.
#[derive(Default)]
struct Gauges(Vec<(Gauge, f64)>);

impl Measures for Gauges {
    fn gauge(&mut self, gauge: Gauge, value: f64) {
        self.0.push((gauge, value));
    }

    fn counter(&mut self, _: Counter, _: u64) {}
    fn refusals(&mut self, _: Reason, _: u64) {}
    fn state(&mut self, _: CircuitState, _: bool, _: Duration) {}
}

#[tokio::test]
async fn a_gate_that_counts_shows_how_many_are_in_flight() {
    let looked_at = |gate: &ShutdownGate| {
        let mut found: Vec<Arc<dyn Inspect>> = Vec::new();
        gate.inspect(&mut |policy| found.push(policy));
        found
    };
    let idle = ShutdownGate::builder().build().unwrap();
    assert!(looked_at(&idle).is_empty(), "it does nothing");
    let shutdown = Shutdown::builder().build().unwrap();
    let gate = ShutdownGate::builder().name("orders").coordinator(&shutdown).build().unwrap();
    let _guard = gate.try_acquire().unwrap();
    let found = looked_at(&gate);
    assert_eq!(found[0].name().as_str(), "orders");
    assert_eq!(found[0].id(), looked_at(&gate.clone())[0].id(), "one policy, two handles");
    let mut gauges = Gauges::default();
    found[0].measure(&mut gauges);
    assert_eq!(gauges.0, [(Gauge::InFlight, 1.0)]);
}
