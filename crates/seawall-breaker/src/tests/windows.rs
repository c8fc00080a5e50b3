//! The windows, at their edges.

use crate::machine::window::Window;
use crate::machine::window::count::CountWindow;
use crate::machine::window::time::{Slice, TimeWindow};
use crate::machine::{WindowCounts, WindowSize};
use crate::time::{NEVER, Nanos};

const FAILED: Slice = Slice { samples: 1, failures: 1, slow: 0 };
const YEAR: Nanos = 31_557_600_000_000_000;

#[test]
fn a_count_window_forgets_the_oldest_outcome_first() {
    for size in [1, 2, 63, 64, 65, 100, 128, 200] {
        let mut window = CountWindow::new(size, true);
        window.push(true, true);
        for pushed in 1..size {
            window.push(false, false);
            assert_eq!((window.samples(), window.failures(), window.slow()), (pushed + 1, 1, 1));
        }
        window.push(false, false);
        assert_eq!((window.samples(), window.failures(), window.slow()), (size, 0, 0), "{size}");
        assert!(window.is_full_of_successes());
    }
}

#[test]
fn a_batch_of_successes_is_as_many_single_ones() {
    for size in [1, 7, 64, 100, 130] {
        for before in [0, 1, 5, 64, 131] {
            for batch in [0, 1, 3, 63, 64, 65, 99, 100, 129, 500] {
                let mut one_by_one = CountWindow::new(size, true);
                for n in 0..before {
                    one_by_one.push(n % 3 == 0, n % 2 == 0);
                }
                let mut at_once = one_by_one.clone();
                (0..batch).for_each(|_| one_by_one.push(false, false));
                at_once.push_successes(batch);
                let seen = |window: &CountWindow| window.outcomes().collect::<Vec<_>>();
                assert_eq!(seen(&at_once), seen(&one_by_one), "{size} {before} {batch}");
                assert_eq!(at_once.failures(), one_by_one.failures());
                assert_eq!(at_once.slow(), one_by_one.slow());
                assert_eq!(at_once.samples(), one_by_one.samples());
            }
        }
    }
}

#[test]
fn a_time_window_forgets_a_slice_at_its_edge() {
    let mut window = TimeWindow::new(100, 10, 0);
    window.push(FAILED);
    window.slide(99);
    assert_eq!(window.total(), FAILED);
    window.slide(100);
    assert_eq!(window.total(), Slice::default());
    assert_eq!(window.ends(), 110);
}

#[test]
fn a_clock_that_stands_still_or_goes_back_changes_nothing() {
    let mut window = TimeWindow::new(100, 10, 1_000);
    window.slide(1_025);
    window.push(FAILED);
    for earlier in [1_025, 1_000, 7, 0] {
        window.slide(earlier);
        window.push(FAILED);
    }
    assert_eq!((window.total().failures, window.ends()), (5, 1_030));
}

#[test]
fn after_an_idle_year_it_is_empty_and_still_in_step() {
    let mut window = TimeWindow::new(100, 10, 0);
    window.push(FAILED);
    window.slide(YEAR + 5);
    assert_eq!(window.total(), Slice::default());
    assert_eq!(window.ends(), YEAR + 10);
    window.push(FAILED);
    window.slide(YEAR + 99);
    assert_eq!(window.total(), FAILED);
    window.slide(YEAR + 100);
    assert_eq!(window.total(), Slice::default());
}

#[test]
fn it_catches_up_in_no_more_steps_than_it_has_slices() {
    for slices in [10, 37, 1_000] {
        let span = 100 * Nanos::from(slices);
        let pauses = [0, 99, 100, 199, 200, span - 1, span, span + 100, 3 * span, YEAR, NEVER - 1];
        for pause in pauses {
            let mut window = TimeWindow::new(span, slices, 0);
            window.push(FAILED);
            let expected = (pause / 100).min(slices.into()) as usize;
            assert_eq!(window.slide(pause), expected, "{pause} with {slices} slices");
            assert_eq!(window.slide(pause), 0);
            assert_eq!(window.total().failures, u32::from(pause < span));
        }
    }
}

#[test]
fn exactly_a_window_later_everything_is_forgotten_and_not_before() {
    let mut window = TimeWindow::new(100, 10, 0);
    for slice in 0..10 {
        window.slide(slice * 10);
        window.push(FAILED);
    }
    for gone in 0..10 {
        window.slide(99 + gone * 10);
        assert_eq!(u64::from(window.total().failures), 10 - gone);
    }
    window.slide(199);
    assert_eq!(window.total(), Slice::default());
}

#[test]
fn a_window_that_never_slides_holds_four_billion_outcomes_and_no_more() {
    let mut window = TimeWindow::new(NEVER, 10, 5);
    window.push(Slice { samples: u32::MAX - 1, failures: 3, slow: 0 });
    window.slide(NEVER);
    window.push(FAILED);
    assert_eq!((window.total().samples, window.total().failures), (u32::MAX, 4));
    window.push(FAILED);
    assert_eq!((window.total().samples, window.total().failures), (u32::MAX, 4));
}

#[test]
fn a_window_near_the_end_of_time_neither_panics_nor_slides_past_it() {
    let mut window = TimeWindow::new(100, 10, NEVER - 50);
    window.push(FAILED);
    window.slide(NEVER - 1);
    window.slide(NEVER);
    assert_eq!(window.total(), FAILED);
    window.slide(0);
    window.push(FAILED);
    assert_eq!(window.total().failures, 2);
}

fn total(window: &Window) -> (u32, u32, u32) {
    let Slice { samples, failures, slow } = window.total();
    (samples, failures, slow)
}

const fn count(outcomes: u32) -> WindowSize {
    WindowSize::Count { outcomes }
}

const fn span(span: Nanos) -> WindowSize {
    WindowSize::Time { span, slices: 10 }
}

#[test]
fn a_resized_count_window_keeps_the_newest() {
    let mut window = Window::new(count(5), true, 0);
    for (failed, slow) in [(true, true), (true, false), (false, false), (true, true), (false, true)]
    {
        window.push(failed, slow);
    }
    assert_eq!(total(&window.resized(count(9), true, 0)), (5, 3, 3));
    assert_eq!(total(&window.resized(count(3), true, 0)), (3, 1, 2));
    assert_eq!(total(&window.resized(count(3), false, 0)), (3, 1, 0));
    assert_eq!(total(&window.resized(span(100), true, 0)), (5, 3, 3));
    assert_eq!(total(&window.resized(WindowSize::Absent, true, 0)), (0, 0, 0));
    window.push(false, false);
    let mut smaller = window.resized(count(2), true, 0);
    assert_eq!(total(&smaller), (2, 0, 1));
    smaller.push(false, false);
    assert_eq!(total(&smaller), (2, 0, 0));
}

#[test]
fn a_resized_time_window_keeps_what_is_young_enough() {
    let mut window = Window::new(span(100), true, 0);
    for slice in 0..10 {
        window.slide(slice * 10);
        window.push(slice % 2 == 0, false);
    }
    assert_eq!(total(&window.resized(span(200), true, 95)), (10, 5, 0));
    let mut same = window.resized(span(100), true, 95);
    assert_eq!(total(&same), (10, 5, 0));
    same.slide(105);
    assert_eq!(total(&same), (9, 4, 0));
    let half = window.resized(span(50), true, 95);
    assert_eq!(total(&half), (5, 2, 0));
}

#[test]
fn a_time_window_that_becomes_too_small_a_count_window_keeps_its_shares() {
    let mut window = Window::new(span(100), true, 0);
    for n in 0..100 {
        window.push(n % 4 == 0, n % 10 == 0);
    }
    assert_eq!(total(&window.resized(count(100), true, 0)), (100, 25, 10));
    assert_eq!(total(&window.resized(count(200), true, 0)), (100, 25, 10));
    assert_eq!(total(&window.resized(count(20), true, 0)), (20, 5, 2));
    assert_eq!(total(&Window::new(span(100), true, 0).resized(count(20), true, 0)), (0, 0, 0));
}

#[test]
fn rates_are_shares_of_what_is_in_the_window() {
    let counts =
        |samples, failures, slow| WindowCounts { samples, failures, slow, consecutive_failures: 0 };
    let rates = |counts: WindowCounts| (counts.failure_rate(), counts.slow_rate());
    assert_eq!(rates(counts(8, 2, 6)), (0.25, 0.75));
    assert_eq!(rates(counts(8, 8, 8)), (1.0, 1.0));
    assert_eq!(rates(counts(0, 0, 0)), (0.0, 0.0));
}
