//! Whose location a report has, where the hook notes all panics and not all are looked at. Each test
//! has a thread of its own, and so notes of its own.

use std::panic::{catch_unwind, panic_any, resume_unwind};

use seawall_core::contain;
use seawall_core::panic::{catch, install_hook};

/// A panic that is caught elsewhere: its note stays.
fn unseen(f: impl FnOnce() + std::panic::UnwindSafe) {
    assert!(install_hook());
    assert!(catch_unwind(f).is_err());
}

/// The location of a panic that goes on without the hook, and so has none of its own.
fn location_of_resumed(payload: impl Send + 'static) -> Option<Box<str>> {
    contain(|| resume_unwind(Box::new(payload))).unwrap_err().location
}

#[test]
fn of_two_that_say_the_same_the_newer_counts() {
    unseen(|| panic!("boom"));
    let line = line!() + 1;
    let report = contain(|| panic!("boom")).unwrap_err();
    let location = report.location.expect("a location");
    assert!(location.contains(&format!(":{line}:")), "{location}, not line {line}");
    assert_eq!(location_of_resumed("boom"), None, "the older one is forgotten");
}

#[test]
fn what_is_older_than_one_that_was_looked_at_is_forgotten() {
    unseen(|| panic!("stale"));
    assert!(contain(|| panic!("fresh")).is_err());
    assert_eq!(location_of_resumed("stale"), None);
}

#[test]
fn another_text_or_another_type_is_another_panic() {
    unseen(|| panic!("{}", "of one kind"));
    assert_eq!(location_of_resumed("of another".to_owned()), None);
    assert_eq!(location_of_resumed("of one kind"), None, "no `String`, though it says the same");
    unseen(|| panic_any(7_u8));
    assert_eq!(location_of_resumed(7_u16), None);
}

#[test]
fn no_stack_is_walked_unless_it_was_asked_for() {
    assert!(install_hook());
    let caught = catch(|| panic!("boom")).unwrap_err();
    assert_eq!(caught.into_report_with_backtrace().backtrace, None);
}
