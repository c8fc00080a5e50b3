//! A breaker that counts successes in batches, and one that counts each under the lock, look the same
//! after the same steps.

use std::time::Duration;

use proptest::prelude::*;
use seawall_breaker::{Breaker, BreakerBuilder, Permit};
use seawall_core::Class;
use tokio::time::advance;

#[derive(Clone, Debug)]
enum Step {
    Admit,
    Settle(usize, u8),
    Successes(u16),
    Advance(u64),
    Operate(u8),
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Admit),
        8 => (any::<usize>(), 0..5_u8).prop_map(|(which, how)| Step::Settle(which, how)),
        3 => (0..150_u16).prop_map(Step::Successes),
        3 => (0..400_u64).prop_map(Step::Advance),
        1 => (0..8_u8).prop_map(Step::Operate),
        1 => Just(Step::Look),
    ]
}

fn builder(time: bool, consecutive: bool) -> BreakerBuilder {
    let builder = Breaker::builder()
        .failure_rate(0.4)
        .min_calls(8)
        .open_wait(Duration::from_millis(100))
        .probes(2);
    let builder = if consecutive {
        builder.consecutive_failures(4)
    } else {
        builder.without_consecutive_failures()
    };
    if time { builder.time_window(Duration::from_secs(1)) } else { builder.count_window(40) }
}

fn act<'b>(breaker: &'b Breaker, calls: &mut Vec<Permit<'b>>, step: &Step) -> Vec<String> {
    let mut said = Vec::new();
    match *step {
        Step::Admit => match breaker.try_acquire() {
            Ok(permit) => calls.push(permit),
            Err(rejection) => said.push(rejection.to_string()),
        },
        Step::Settle(which, how) if !calls.is_empty() => {
            let permit = calls.swap_remove(which % calls.len());
            said.push(format!(
                "{:?}",
                match how {
                    0 | 1 => permit.success(),
                    2 | 3 => permit.failure(Class::Transient),
                    _ => permit.ignore(),
                }
            ));
        }
        Step::Settle(..) | Step::Advance(_) => {}
        Step::Successes(count) => {
            for _ in 0..count {
                let settled = breaker.try_acquire().map(Permit::success);
                said.push(format!("{:?}", settled.map_err(|rejection| rejection.reason())));
            }
        }
        Step::Operate(0) => breaker.force_open(),
        Step::Operate(1) => breaker.force_closed(),
        Step::Operate(2) => breaker.shadow(),
        Step::Operate(3) => breaker.reset(),
        Step::Operate(_) => breaker.release(),
        // A snapshot hands the batch to the machine and slides its window, so a fault of either shows
        // only where nobody looks for a while.
        Step::Look => said.push(format!("{:?}", breaker.snapshot())),
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn counting_in_batches_changes_nothing(
        time: bool,
        consecutive: bool,
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let batched = builder(time, consecutive).build().unwrap();
            // A predicate that never holds sends every outcome through the machine, under the lock.
            let under = builder(time, consecutive).open_when(|_| false).build().unwrap();
            let (mut batched_calls, mut under_calls) = (Vec::new(), Vec::new());
            for step in &steps {
                if let Step::Advance(millis) = step {
                    advance(Duration::from_millis(*millis)).await;
                }
                let said = act(&batched, &mut batched_calls, step);
                assert_eq!(said, act(&under, &mut under_calls, step));
            }
            assert_eq!(batched.snapshot(), under.snapshot());
        });
    }
}
