//! Every interleaving of a few threads on the shared words, with 3 preemptions.
//!
//! `RUSTFLAGS="--cfg seawall_loom" LOOM_MAX_PREEMPTIONS=3 cargo test --release --test loom`
#![cfg(seawall_loom)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loom::sync::Arc;
use loom::thread;
use seawall_breaker::model::{Model, Settlement};
use seawall_breaker::{Breaker, BreakerBuilder};

const WAIT: Duration = Duration::from_nanos(100);

fn builder() -> BreakerBuilder {
    Breaker::builder()
        .without_failure_rate()
        .consecutive_failures(1)
        .open_wait(WAIT)
        .probes(1)
        .probe_successes(1)
        .lease(Duration::from_nanos(50))
}

/// Checks every interleaving of `run`.
fn check(run: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound.get_or_insert(3);
    model.check(run);
}

fn open(model: &Model) {
    let call = model.admit(0).unwrap();
    assert_eq!(model.fail(call, 0), Settlement::Counted);
}

/// Counts over the threads of one run. Not loom's: it is not part of what is checked.
#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn up(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn three_admitters_get_one_probe_slot() {
    check(|| {
        let model = Arc::new(Model::new(builder()));
        open(&model);
        let admitted = Arc::new(Count::default());
        let admit = |model: &Arc<Model>| {
            let (model, admitted) = (Arc::clone(model), Arc::clone(&admitted));
            move || {
                if model.admit(100).is_some() {
                    admitted.up();
                }
            }
        };
        let others = [thread::spawn(admit(&model)), thread::spawn(admit(&model))];
        admit(&model)();
        let _ = others.map(|other| other.join().unwrap());
        assert_eq!(admitted.get(), 1);
        assert_eq!(model.transitions(), 2);
    });
}

#[test]
fn a_recorder_and_an_admitter_at_the_opening_edge() {
    check(|| {
        let model = Arc::new(Model::new(builder()));
        let call = model.admit(0).unwrap();
        let recorder = thread::spawn({
            let model = Arc::clone(&model);
            move || assert_eq!(model.fail(call, 0), Settlement::Counted)
        });
        // Admitted before the edge, its outcome is stale after it; never is it counted twice, and
        // never does it close what opened.
        let said = model.admit(1).map(|call| model.succeed(call, 1));
        recorder.join().unwrap();
        assert!(matches!(said, None | Some(Settlement::Counted | Settlement::Stale)));
        assert_eq!(model.transitions(), 1);
        assert!(model.admit(1).is_none(), "open");
    });
}

#[test]
fn two_failures_on_the_threshold_make_one_transition() {
    check(|| {
        let model = Arc::new(Model::new(builder()));
        let (one, two) = (model.admit(0).unwrap(), model.admit(0).unwrap());
        let other = thread::spawn({
            let model = Arc::clone(&model);
            move || model.fail(one, 0)
        });
        let said = [model.fail(two, 0), other.join().unwrap()];
        assert!(
            said.contains(&Settlement::Counted) && said.contains(&Settlement::Stale),
            "{said:?}"
        );
        assert_eq!(model.transitions(), 1);
    });
}

#[test]
fn a_probe_dropped_as_its_lease_ends_while_another_is_admitted() {
    check(|| {
        let model = Arc::new(Model::new(builder()));
        open(&model);
        let probe = model.admit(100).unwrap();
        let dropper = thread::spawn({
            let model = Arc::clone(&model);
            move || model.drop_call(probe, 150)
        });
        let next = model.admit(150);
        dropper.join().unwrap();
        // Whoever came first, the lease was over at 150: the slot was free, once.
        let next = next.expect("the slot of a probe whose lease has ended");
        assert_eq!(model.probes_in_flight(), 1);
        assert!(model.admit(150).is_none());
        assert_eq!(model.succeed(next, 151), Settlement::Counted);
        assert_eq!(model.transitions(), 3);
    });
}

#[test]
fn a_window_that_slides_while_successes_are_counted_loses_none() {
    check(|| {
        let builder = Breaker::builder()
            .without_consecutive_failures()
            .failure_rate(1.0)
            .min_calls(100)
            .time_window(Duration::from_nanos(1_000));
        let model = Arc::new(Model::new(builder));
        let calls = [(); 3].map(|()| model.admit(0).unwrap());
        let [one, two, three] = calls;
        // The first slice ends at 100: one counts in a batch, one slides the window.
        let others = [
            thread::spawn({
                let model = Arc::clone(&model);
                move || assert_eq!(model.succeed(one, 99), Settlement::Counted)
            }),
            thread::spawn({
                let model = Arc::clone(&model);
                move || assert_eq!(model.succeed(two, 100), Settlement::Counted)
            }),
        ];
        assert_eq!(model.succeed(three, 99), Settlement::Counted);
        let _ = others.map(|other| other.join().unwrap());
        assert_eq!(model.samples(100), 3);
    });
}

#[test]
fn a_success_that_sleeps_through_a_generation_is_in_no_window_of_the_next() {
    check(|| {
        let builder = Breaker::builder()
            .consecutive_failures(1)
            .count_window(4)
            .min_calls(4)
            .open_wait(WAIT)
            .probes(1);
        let model = Arc::new(Model::new(builder));
        let (old, failing) = (model.admit(0).unwrap(), model.admit(0).unwrap());
        let sleeper = thread::spawn({
            let model = Arc::clone(&model);
            move || model.succeed(old, 0)
        });
        assert_eq!(model.fail(failing, 0), Settlement::Counted);
        let probe = model.admit(100).unwrap();
        assert_eq!(model.succeed(probe, 100), Settlement::Counted);
        let said = sleeper.join().unwrap();
        assert_eq!(model.samples(100), 0, "{said:?}");
        // The probe's, and its own if it was counted.
        assert_eq!(model.successes(100), 1 + u64::from(said == Settlement::Counted));
        assert_eq!(model.transitions(), 3);
    });
}

#[test]
fn a_refusal_shows_the_evidence_of_one_opening() {
    check(|| {
        let model = Arc::new(Model::new(builder()));
        open(&model);
        let other = thread::spawn({
            let model = Arc::clone(&model);
            move || {
                let probe = model.admit(100);
                probe.map(|probe| model.fail(probe, 105))
            }
        });
        // Opened at 0 by a failure in a row until 100, or at 105 by a probe until 205.
        if let Some((since, until, rule)) = model.refusal(99) {
            let first = (0, 100, "consecutive_failures");
            let second = (105, 205, "probe_failures");
            let half_open = until == u64::MAX;
            assert!(half_open || [first, second].contains(&(since, until, rule)));
        }
        other.join().unwrap();
    });
}

/// Four failures in a row open it.
fn four_in_a_row() -> BreakerBuilder {
    Breaker::builder().without_failure_rate().consecutive_failures(4).open_wait(WAIT)
}

#[test]
fn as_many_failures_open_it_as_were_said_to_on_however_many_threads() {
    check(|| {
        let model = Arc::new(Model::new(four_in_a_row()));
        let calls = [(); 4].map(|()| model.admit(0).unwrap());
        let [one, two, three, four] = calls;
        let other = thread::spawn({
            let model = Arc::clone(&model);
            move || [model.fail(one, 0), model.fail(two, 0)]
        });
        let said = model.fail(three, 0);
        assert_eq!((other.join().unwrap(), said), ([Settlement::Counted; 2], Settlement::Counted));
        assert_eq!(model.transitions(), 0);
        assert_eq!(model.fail(four, 0), Settlement::Counted);
        assert_eq!(model.transitions(), 1);
    });
}

#[test]
fn a_success_after_a_failure_is_told_after_it() {
    check(|| {
        let model = Arc::new(Model::new(four_in_a_row()));
        let calls = [(); 3].map(|()| model.admit(0).unwrap());
        let [first, failing, well] = calls;
        // From the first failure on, successes are counted in batches.
        assert_eq!(model.fail(first, 0), Settlement::Counted);
        let looker = thread::spawn({
            let model = Arc::clone(&model);
            move || model.samples(0)
        });
        assert_eq!(model.fail(failing, 0), Settlement::Counted);
        assert_eq!(model.succeed(well, 0), Settlement::Counted);
        looker.join().unwrap();
        // The success ended the run that the failure began, whichever thread handed it to the machine.
        assert_eq!(model.failures_in_a_row(), 0);
    });
}

#[test]
fn a_success_keeps_its_place_among_the_failures_of_two_threads() {
    check(|| {
        let model = Arc::new(Model::new(four_in_a_row()));
        let calls = [(); 5].map(|()| model.admit(0).unwrap());
        let [first, one, two, three, four] = calls;
        assert_eq!(model.fail(first, 0), Settlement::Counted);
        let other = thread::spawn({
            let model = Arc::clone(&model);
            move || [model.fail(one, 0), model.succeed(two, 0)]
        });
        let said = [model.succeed(three, 0), model.fail(four, 0)];
        assert_eq!(
            (other.join().unwrap(), said),
            ([Settlement::Counted; 2], [Settlement::Counted; 2])
        );
        // Each success stands somewhere before or behind the other thread's failure.
        assert!(model.failures_in_a_row() <= 1);
        assert_eq!((model.samples(0), model.transitions()), (0, 0), "no window, no opening");
    });
}

/// A count window that is not full, so that successes are counted.
fn counting() -> BreakerBuilder {
    let builder = Breaker::builder().consecutive_failures(1).count_window(8).min_calls(8);
    builder.open_wait(WAIT).probes(1)
}

fn succeed(
    model: &Arc<Model>,
    call: seawall_breaker::model::Call,
) -> impl FnOnce() -> Settlement + use<> {
    let model = Arc::clone(model);
    move || model.succeed(call, 0)
}

#[test]
fn threads_that_meet_at_the_first_counter_lose_no_success() {
    check(|| {
        let model = Arc::new(Model::fresh(counting()));
        let calls = [(); 3].map(|()| model.admit(0).unwrap());
        let [one, two, three] = calls;
        let others = [one, two].map(|call| thread::spawn(succeed(&model, call)));
        assert_eq!(succeed(&model, three)(), Settlement::Counted);
        for other in others {
            assert_eq!(other.join().unwrap(), Settlement::Counted);
        }
        assert_eq!(model.samples(0), 3);
    });
}

#[test]
fn counters_that_are_made_while_the_machine_is_told_lose_no_success() {
    check(|| {
        let model = Arc::new(Model::fresh(counting()));
        let (one, two) = (model.admit(0).unwrap(), model.admit(0).unwrap());
        let others = [one, two].map(|call| thread::spawn(succeed(&model, call)));
        assert!(model.samples(0) <= 2);
        for other in others {
            assert_eq!(other.join().unwrap(), Settlement::Counted);
        }
        assert_eq!(model.samples(0), 2);
    });
}

#[test]
fn counters_that_are_made_as_a_generation_ends_count_for_none_but_their_own() {
    check(|| {
        let model = Arc::new(Model::fresh(counting()));
        let calls = [(); 3].map(|()| model.admit(0).unwrap());
        let [one, two, failing] = calls;
        let other = thread::spawn(succeed(&model, one));
        assert_eq!(model.succeed(two, 0), Settlement::Counted);
        assert_eq!(model.fail(failing, 0), Settlement::Counted);
        let probe = model.admit(100).unwrap();
        assert_eq!(model.succeed(probe, 100), Settlement::Counted);
        other.join().unwrap();
        assert_eq!((model.samples(100), model.transitions()), (0, 3));
    });
}
