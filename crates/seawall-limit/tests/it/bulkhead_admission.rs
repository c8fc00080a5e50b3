//! Which calls are admitted, which are refused, and what the refusal says.

use std::cell::Cell;
use std::time::Duration;

use crate::support::by_hand;
use seawall_core::{
    Attempt, Class, Description, Error, EventKind, FromFn, Layer, LayerContext, Lazy, Listeners,
    Operation, Policy, Reason, Rule,
};
use seawall_limit::{Bulkhead, Priority};
use seawall_testkit::Recorder;
use tokio::time::Instant;

fn of(limit: u32) -> Bulkhead {
    Bulkhead::builder().limit(limit).build().unwrap()
}

#[test]
fn as_many_as_the_limit_get_in_and_a_dropped_permit_lets_in_the_next() {
    let bulkhead = of(2);
    let first = bulkhead.try_acquire().unwrap();
    let second = bulkhead.try_acquire().unwrap();
    assert_eq!(bulkhead.try_acquire().unwrap_err().reason(), Reason::Full);
    drop(first);
    let third = bulkhead.try_acquire().unwrap();
    assert_eq!(bulkhead.snapshot().in_flight, 2);
    drop((second, third));
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[test]
fn a_refusal_says_how_many_are_in_flight() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let bulkhead =
        Bulkhead::builder().name("stock").limit(1).listeners(&listeners).build().unwrap();
    let _held = bulkhead.try_acquire().unwrap();
    let refusal = bulkhead.try_acquire().unwrap_err();
    let evidence = refusal.evidence().unwrap();
    assert_eq!(evidence.rule, Rule::InFlight);
    assert_eq!((evidence.observed, evidence.limit, evidence.samples), (1.0, 1.0, 0));
    let text = "bulkhead 'stock': full: 1 in flight, limit 1";
    assert_eq!(refusal.to_string(), text);
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Rejected(_))), 1);
    assert_eq!(bulkhead.snapshot().refused, 1);
}

#[tokio::test]
async fn a_refused_call_does_not_start_and_its_error_is_nobodys_failure() {
    let bulkhead = of(1);
    let _held = bulkhead.try_acquire().unwrap();
    let started = Cell::new(false);
    let call = bulkhead.call(async {
        started.set(true);
        Ok::<_, ()>(())
    });
    let error = call.await.unwrap_err();
    assert!(!started.get());
    assert_eq!(error.class(), Class::Ignored);
    assert!(matches!(error, Error::Rejected(r) if r.reason() == Reason::Full));
}

#[tokio::test]
async fn a_call_holds_its_permit_until_it_is_over() {
    let bulkhead = of(1);
    let during = bulkhead.call(async { Ok::<_, ()>(bulkhead.snapshot().in_flight) }).await;
    assert_eq!(during.unwrap(), 1);
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

/// Looks at the bulkhead when it is dropped.
struct Last<'l>(&'l Bulkhead, &'l Cell<Option<u32>>);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        self.1.set(Some(self.0.snapshot().in_flight));
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_has_its_permit_until_what_is_inside_is_gone() {
    let (bulkhead, seen) = (of(1), Cell::new(None));
    let never = || {
        let last = Last(&bulkhead, &seen);
        async move {
            let _last = last;
            std::future::pending::<Result<(), ()>>().await
        }
    };
    let mut alone = by_hand(bulkhead.call(never()));
    assert!(alone.is_pending());
    drop(alone);
    assert_eq!(seen.take(), Some(1));
    let wrapped = bulkhead.wrap(FromFn::new(never, &seawall_core::AllTransient));
    let mut wrapped = by_hand(Lazy::new(wrapped));
    assert!(wrapped.is_pending());
    drop(wrapped);
    assert_eq!(seen.take(), Some(1));
}

#[test]
fn a_call_that_is_not_polled_takes_no_permit() {
    let bulkhead = of(1);
    let call = bulkhead.call(async { Ok::<_, ()>(()) });
    assert_eq!(bulkhead.snapshot().in_flight, 0);
    drop(call);
}

#[test]
fn a_heavy_call_takes_several_places() {
    let bulkhead = of(5);
    let heavy = bulkhead.with_weight(3).unwrap();
    let held = heavy.try_acquire().unwrap();
    assert_eq!(held.weight(), 3);
    assert!(heavy.try_acquire().is_err());
    let light = [bulkhead.try_acquire().unwrap(), bulkhead.try_acquire().unwrap()];
    assert!(bulkhead.try_acquire().is_err());
    drop(held);
    assert_eq!(bulkhead.snapshot().in_flight, 2);
    drop(light);
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[test]
fn an_owned_permit_is_the_same_permit() {
    let bulkhead = of(1);
    let owned = bulkhead.try_acquire_owned().unwrap();
    assert_eq!(bulkhead.snapshot().in_flight, 1);
    std::thread::spawn(move || drop(owned)).join().unwrap();
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[tokio::test]
async fn an_owned_wait_borrows_nothing() {
    let wait = of(1).with_weight(1).unwrap().acquire_owned();
    let permit = tokio::spawn(wait).await.unwrap().unwrap();
    assert_eq!(permit.weight(), 1);
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn an_acquire_gives_one_permit_and_no_second() {
    let bulkhead = of(2);
    let mut acquire = by_hand(bulkhead.acquire());
    let _permit = acquire.ready();
    let _none = acquire.poll();
}

#[test]
fn the_limit_goes_up_and_down_while_in_use() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let bulkhead = Bulkhead::builder().limit(3).listeners(&listeners).build().unwrap();
    let mut held = vec![bulkhead.try_acquire().unwrap(), bulkhead.try_acquire().unwrap()];
    held.push(bulkhead.try_acquire().unwrap());
    bulkhead.set_limit(1).unwrap();
    assert_eq!((bulkhead.snapshot().in_flight, bulkhead.snapshot().limit), (3, 1));
    held.pop();
    held.pop();
    assert!(bulkhead.try_acquire().is_err(), "one is still in flight, and one may be");
    held.pop();
    held.push(bulkhead.try_acquire().unwrap());
    bulkhead.set_limit(2).unwrap();
    held.push(bulkhead.try_acquire().unwrap());
    let changes = recorder.pick(|kind| match kind {
        EventKind::LimitChanged { from, to, .. } => Some((*from, *to)),
        _ => None,
    });
    assert_eq!(changes, [(3, 1), (1, 2)]);
}

#[test]
fn closed_it_refuses_with_shutting_down_and_takes_permits_back() {
    let bulkhead = of(2);
    let held = bulkhead.try_acquire().unwrap();
    bulkhead.close();
    assert_eq!(bulkhead.try_acquire().unwrap_err().reason(), Reason::ShuttingDown);
    drop(held);
    assert_eq!(bulkhead.snapshot().in_flight, 0);
    assert!(bulkhead.snapshot().closed);
}

#[test]
fn low_priorities_are_refused_first_as_load_rises() {
    let bulkhead = Bulkhead::builder()
        .limit(10)
        .priority_share(Priority::Low, 0.5)
        .priority_share(Priority::Normal, 0.8)
        .build()
        .unwrap();
    let critical = bulkhead.with_priority(Priority::Critical);
    let low = bulkhead.with_priority(Priority::Low);
    let mut held = Vec::new();
    let mut admitted = Vec::new();
    for _ in 0..10 {
        let asked = [low.try_acquire(), bulkhead.try_acquire()];
        admitted.push(asked.map(|answer| answer.is_ok()));
        held.push(critical.try_acquire().unwrap());
    }
    let low_until = admitted.iter().filter(|answer| answer[0]).count();
    let normal_until = admitted.iter().filter(|answer| answer[1]).count();
    assert_eq!((low_until, normal_until), (5, 8));
    assert!(critical.try_acquire().is_err());
}

#[tokio::test]
async fn a_spent_cooperative_budget_is_not_a_full_house() {
    let bulkhead = Bulkhead::builder().limit(1).queue(1, Duration::from_secs(1)).build().unwrap();
    // Spend tokio's budget: from some point on its own resources only say "not yet".
    while tokio::task::coop::has_budget_remaining() {
        tokio::task::coop::consume_budget().await;
    }
    // Each at the first poll: a second one might have a new budget.
    drop(bulkhead.try_acquire().unwrap());
    drop(by_hand(bulkhead.acquire()).ready().unwrap());
    by_hand(bulkhead.call(async { Ok::<_, ()>(()) })).ready().unwrap();
    let wrapped = bulkhead.wrap(FromFn::new(async || Ok::<_, ()>(()), &seawall_core::AllTransient));
    by_hand(Lazy::new(wrapped)).ready().unwrap();
    let held = bulkhead.try_acquire().unwrap();
    let mut waits = by_hand(bulkhead.acquire());
    assert!(waits.is_pending());
    drop(held);
    drop(waits.ready().unwrap());
    assert!(!tokio::task::coop::has_budget_remaining(), "nothing of this was given a new budget");
}

#[tokio::test]
async fn an_operation_asks_for_a_permit_each_time() {
    let bulkhead = of(1);
    let mut runs = 0;
    let make = || {
        runs += 1;
        std::future::ready(Ok::<_, ()>(()))
    };
    let mut op = bulkhead.wrap(FromFn::new(make, &seawall_core::AllTransient));
    op.attempt(Attempt::first()).await.unwrap();
    let held = bulkhead.try_acquire().unwrap();
    assert!(op.attempt(Attempt::first()).await.is_err());
    drop(held);
    op.attempt(Attempt::first()).await.unwrap();
    drop(op);
    assert_eq!(runs, 2);
}

#[test]
fn in_a_pipeline_it_takes_its_name_and_says_what_it_is() {
    let context = LayerContext::new("inventory");
    let builder = Bulkhead::builder().limit(3).queue(7, Duration::from_secs(1));
    let bulkhead = builder.into_policy(&context).unwrap();
    let description = bulkhead
        .describe(Description::bare().with_longest(Some(Duration::from_secs(2))))
        .to_string();
    let expected = "bulkhead 'inventory': at most 3 in flight, 7 more may wait 1s at the longest, \
                    first come first served\none attempt per call, 3s at the longest";
    assert_eq!(description, expected);
    let named = Bulkhead::builder().name("own").build().unwrap().into_policy(&context).unwrap();
    assert_eq!(named.name().as_str(), "own");
}

#[test]
fn a_wrong_field_is_named() {
    let refused = [
        (Bulkhead::builder().limit(0), "limit"),
        (Bulkhead::builder().limit(1 << 30), "limit"),
        (Bulkhead::builder().queue(0, Duration::MAX), "queue"),
        (Bulkhead::builder().queue(1, Duration::ZERO), "longest_wait"),
        (Bulkhead::builder().lifo(), "lifo"),
        (Bulkhead::builder().by_priority(), "by_priority"),
        (Bulkhead::builder().fair(), "fair"),
        (Bulkhead::builder().partition("a", 0.5), "partition"),
        (Bulkhead::builder().priority_share(Priority::Low, f64::NAN), "priority_share"),
        (Bulkhead::builder().priority_share(Priority::High, 0.5), "priority_share"),
        (Bulkhead::builder().name(""), "name"),
    ];
    for (builder, field) in refused {
        assert_eq!(builder.build().unwrap_err().field, field);
    }
    let queued = || Bulkhead::builder().queue(1, Duration::MAX);
    let refused = [
        (queued().partition("a", 0.5).partition("a", 0.1), "partition"),
        (queued().partition("a", 0.6).partition("b", 0.6), "partition"),
        (queued().priority_share(Priority::Low, 0.5), "priority_share"),
        (queued().codel(Duration::ZERO, Duration::MAX), "codel target"),
    ];
    for (builder, field) in refused {
        assert_eq!(builder.build().unwrap_err().field, field);
    }
    assert_eq!(of(1).with_weight(0).unwrap_err().field, "weight");
    assert_eq!(of(1).set_limit(0).unwrap_err().field, "limit");
}

#[tokio::test(start_paused = true)]
async fn what_runs_after_a_wait_has_a_clock_of_its_own() {
    let bulkhead = Bulkhead::builder().limit(1).queue(1, Duration::MAX).build().unwrap();
    let op = seawall_core::FromAttemptFn::new(
        |mut attempt: Attempt| async move { Ok::<_, ()>(attempt.began()) },
        &seawall_core::AllTransient,
    );
    let held = bulkhead.try_acquire_owned().unwrap();
    let start = Instant::now();
    let release = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(held);
    };
    let attempt = Attempt::first().beginning_at(start);
    let (began, ()) = tokio::join!(Lazy::new(bulkhead.wrap(op)).with_attempt(attempt), release);
    assert_eq!(began.unwrap(), start + Duration::from_secs(1));
}
