//! Whatever comes, goes, gives up and is resized in whatever order: nobody waits for whom there is
//! a free place, no call is admitted without one, and a waiter that was granted one was woken.

use std::future::Future;
use std::mem;
use std::task::Poll;
use std::time::Duration;

use crate::support::{Polled, by_hand};
use proptest::prelude::*;
use seawall_core::Rejection;
use seawall_limit::bulkhead::OwnedPermit;
use seawall_limit::{Bulkhead, BulkheadBuilder, Priority};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Asks and waits: priority, tenant and partition.
    Acquire(Priority, u8, Option<&'static str>),
    /// Asks and does not wait.
    Try(Priority),
    /// A waiter goes away.
    GiveUp(usize),
    /// A permit comes back.
    Release(usize),
    /// A permit comes back, and a waiter goes away before anybody has looked.
    ReleaseAndGiveUp(usize, usize),
    Resize(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let priority = || prop::sample::select(Priority::ALL.to_vec());
    let partition = prop::sample::select(vec![None, Some("gold"), Some("batch")]);
    prop_oneof![
        4 => (priority(), 0..3_u8, partition).prop_map(|(p, t, part)| Step::Acquire(p, t, part)),
        2 => priority().prop_map(Step::Try),
        1 => any::<usize>().prop_map(Step::GiveUp),
        4 => any::<usize>().prop_map(Step::Release),
        2 => any::<(usize, usize)>().prop_map(|(held, gone)| Step::ReleaseAndGiveUp(held, gone)),
        1 => (1..8_u32).prop_map(Step::Resize),
    ]
}

fn builders() -> Vec<BulkheadBuilder> {
    let queued = || Bulkhead::builder().limit(4).queue(6, Duration::MAX);
    let reserved = || queued().by_priority().priority_share(Priority::Low, 0.5);
    let shared = |builder: BulkheadBuilder| builder.partition("gold", 0.5).partition("batch", 0.2);
    vec![
        queued(),
        queued().lifo(),
        queued().fair(),
        queued().by_priority(),
        shared(queued().lifo().fair()),
        reserved(),
        reserved().priority_share(Priority::Normal, 0.75).fair(),
        shared(reserved()),
    ]
}

/// Up to how many in flight a call of `priority` gets in.
fn ceiling(builder: usize, limit: u32, priority: Priority) -> u32 {
    let quarters_left_free = match (builder, priority) {
        (5..=7, Priority::Low) => 2,
        (6, Priority::Normal) => 1,
        _ => 0,
    };
    limit - limit * quarters_left_free / 4
}

struct Waiter<F> {
    priority: Priority,
    wait: Polled<F>,
    polled: bool,
}

impl<F: Future<Output = Result<OwnedPermit, Rejection>>> Waiter<F> {
    fn still_waits(&mut self, held: &mut Vec<OwnedPermit>) -> bool {
        let woken = self.wait.woken() > 0 || !mem::replace(&mut self.polled, true);
        let Poll::Ready(outcome) = self.wait.poll() else { return true };
        assert!(woken, "its wait was over, and it slept on");
        held.extend(outcome);
        false
    }
}

fn play(number: usize, builder: BulkheadBuilder, steps: Vec<Step>) {
    let bulkhead = builder.build().unwrap();
    let mut held: Vec<OwnedPermit> = Vec::new();
    let mut waiting = Vec::new();
    let mut limit = 4;
    for step in steps {
        let before = bulkhead.snapshot().in_flight;
        let mut allowed = limit;
        match step {
            Step::Acquire(priority, tenant, partition) => {
                let handle = bulkhead.with_priority(priority).for_tenant(tenant);
                let handle = partition.and_then(|name| handle.partition(name)).unwrap_or(handle);
                waiting.push(Waiter {
                    priority,
                    wait: by_hand(handle.acquire_owned()),
                    polled: false,
                });
            }
            Step::Try(priority) => {
                allowed = ceiling(number, limit, priority);
                held.extend(bulkhead.with_priority(priority).try_acquire_owned());
            }
            Step::GiveUp(index) if !waiting.is_empty() => {
                drop(waiting.swap_remove(index % waiting.len()));
            }
            Step::Release(index) if !held.is_empty() => {
                drop(held.swap_remove(index % held.len()));
            }
            Step::ReleaseAndGiveUp(permit, gone) if !held.is_empty() && !waiting.is_empty() => {
                drop(held.swap_remove(permit % held.len()));
                drop(waiting.swap_remove(gone % waiting.len()));
            }
            Step::GiveUp(_) | Step::Release(_) | Step::ReleaseAndGiveUp(..) => {}
            Step::Resize(to) => {
                limit = to;
                allowed = limit;
                bulkhead.set_limit(limit).unwrap();
            }
        }
        // Twice: the one that came last may have made another give way.
        for _ in 0..2 {
            waiting.retain_mut(|waiter| waiter.still_waits(&mut held));
        }
        let now = bulkhead.snapshot();
        assert_eq!(now.in_flight as usize, held.len());
        assert_eq!(now.queued as usize, waiting.len());
        assert!(now.in_flight <= before.max(allowed), "{} in flight, limit {limit}", now.in_flight);
        for waiter in &waiting {
            let is_full = now.in_flight >= ceiling(number, limit, waiter.priority);
            assert!(is_full, "{:?} waits though there is room: {now:?}", waiter.priority);
        }
    }
    drop((waiting, held));
    let rest = bulkhead.snapshot();
    assert_eq!((rest.in_flight, rest.queued), (0, 0));
    assert!(rest.partitions.iter().all(|partition| partition.in_flight == 0));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_call_waits_while_there_is_room_for_it(steps in prop::collection::vec(step(), 1..60)) {
        for (number, builder) in builders().into_iter().enumerate() {
            play(number, builder, steps.clone());
        }
    }
}
