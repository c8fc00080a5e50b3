//! The share of a limit that each priority may use against a naive model.

use proptest::prelude::*;
use seawall_core::{Reason, Rejection};
use seawall_limit::{AdaptiveLimit, Bulkhead, Priority};

/// Eighths of the limit for each priority, lowest first, so that a part of it is exact.
type Eighths = [u32; 4];

/// In flight, limit, and what each priority may use.
struct Model {
    limit: u32,
    eighths: Eighths,
    in_flight: Vec<Priority>,
}

impl Model {
    fn admits(&self, priority: Priority) -> bool {
        let free = 8 - self.eighths[priority as usize];
        let may_use = self.limit - self.limit * free / 8;
        u32::try_from(self.in_flight.len()).unwrap() < may_use
    }
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Call(Priority),
    End(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let call = (0..4_usize).prop_map(|index| Move::Call(Priority::ALL[index]));
    let end = any::<usize>().prop_map(Move::End);
    proptest::collection::vec(prop_oneof![2 => call, 1 => end], 1..80)
}

fn shares() -> impl Strategy<Value = Eighths> {
    proptest::array::uniform4(1..=8_u32).prop_map(|mut eighths| {
        eighths.sort_unstable();
        eighths
    })
}

/// Plays `moves` with permits of `take` and compares with the model.
fn play<P>(
    limit: u32,
    eighths: Eighths,
    moves: Vec<Move>,
    take: impl Fn(Priority) -> Result<P, Rejection>,
    give_back: impl Fn(P),
) -> Result<(), TestCaseError> {
    let mut model = Model { limit, eighths, in_flight: Vec::new() };
    let mut permits = Vec::new();
    for step in moves {
        match step {
            Move::Call(priority) => {
                let expected = model.admits(priority);
                // Whoever is more important is admitted wherever this one is.
                for higher in Priority::ALL.into_iter().filter(|other| *other > priority) {
                    prop_assert!(!expected || model.admits(higher));
                }
                match take(priority) {
                    Ok(permit) => {
                        prop_assert!(expected, "{priority:?} was admitted");
                        permits.push(permit);
                        model.in_flight.push(priority);
                    }
                    Err(refusal) => {
                        prop_assert!(!expected, "{priority:?} was refused: {refusal}");
                        prop_assert_eq!(refusal.reason(), Reason::Full);
                    }
                }
            }
            Move::End(which) if !permits.is_empty() => {
                let which = which % permits.len();
                give_back(permits.swap_remove(which));
                model.in_flight.swap_remove(which);
            }
            Move::End(_) => {}
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_bulkhead_does_as_the_model(limit in 1..40_u32, eighths in shares(), moves in moves()) {
        let mut builder = Bulkhead::builder().limit(limit);
        for priority in Priority::ALL {
            let part = f64::from(eighths[priority as usize]) / 8.0;
            builder = builder.priority_share(priority, part);
        }
        let bulkhead = builder.build().unwrap();
        let take = |priority| bulkhead.with_priority(priority).try_acquire_owned();
        play(limit, eighths, moves, take, drop)?;
    }

    #[test]
    fn an_adaptive_limit_does_as_the_model(
        limit in 1..40_u32,
        eighths in shares(),
        moves in moves(),
    ) {
        // A range of one number: it does not adapt.
        let mut builder = AdaptiveLimit::builder().min(limit).max(limit);
        for priority in Priority::ALL {
            let part = f64::from(eighths[priority as usize]) / 8.0;
            builder = builder.priority_share(priority, part);
        }
        let adaptive = builder.build().unwrap();
        let take = |priority| adaptive.with_priority(priority).try_acquire_owned();
        play(limit, eighths, moves, take, |mut permit| permit.sampled())?;
    }
}

#[test]
fn the_share_follows_the_limit_as_it_falls() {
    let adaptive = AdaptiveLimit::builder()
        .min(4)
        .initial(10)
        .priority_share(Priority::Low, 0.5)
        .build()
        .unwrap();
    let low = adaptive.with_priority(Priority::Low);
    let held: Vec<_> = (0..5).map(|_| low.try_acquire().unwrap()).collect();
    assert!(low.try_acquire().is_err());
    // 0.7 of ten.
    adaptive.try_acquire().unwrap().overloaded();
    assert_eq!(adaptive.snapshot().limit, 7);
    let mut held = held.into_iter();
    held.next().unwrap().ignore();
    held.next().unwrap().ignore();
    assert!(low.try_acquire().is_ok_and(|permit| {
        permit.ignore();
        true
    }));
    let fourth = low.try_acquire().unwrap();
    assert!(low.try_acquire().is_err(), "four of seven are in flight");
    assert!(adaptive.try_acquire().is_ok());
    fourth.ignore();
}

#[test]
fn a_higher_priority_has_no_smaller_share() {
    let builder = AdaptiveLimit::builder();
    let error = builder.priority_share(Priority::High, 0.5).build().unwrap_err();
    assert_eq!(error.field, "priority_share");
    assert!(AdaptiveLimit::builder().priority_share(Priority::Low, 0.0).build().is_err());
}
