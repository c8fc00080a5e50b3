//! The table of defaults in the chapter shows the constants.

use seawall_core::Backoff;

use crate::defaults;

/// The default in the row of `setting`, without the reason.
fn documented(setting: &str) -> &'static str {
    let row = |line: &&str| line.starts_with("//! | [`") && line.contains(setting);
    let row = include_str!("../lib.rs").lines().find(row).expect("a row of the table");
    row.split('|').nth(2).expect("a second column").trim()
}

#[test]
fn the_table_of_defaults_shows_the_constants() {
    let millis = |duration: std::time::Duration| format!("{} ms", duration.as_millis());
    let seconds = |duration: std::time::Duration| format!("{} s", duration.as_secs());
    let first = millis(defaults::FIRST_OPEN_WAIT);
    let open_wait =
        format!("{first}, doubling up to {}, second half random", millis(defaults::MAX_OPEN_WAIT));
    let rows = [
        ("consecutive_failures", defaults::CONSECUTIVE_FAILURES.to_string()),
        ("failure_rate", defaults::FAILURE_RATE.to_string()),
        ("count_window", defaults::COUNT_WINDOW.to_string()),
        ("min_calls", defaults::MIN_CALLS.to_string()),
        ("open_wait", open_wait),
        ("forget_after", seconds(defaults::FORGET_AFTER)),
        ("max_retry_after", seconds(defaults::MAX_RETRY_AFTER)),
        ("probes", format!("{}, all", defaults::PROBES)),
    ];
    for (setting, default) in rows {
        assert_eq!(documented(setting), default, "{setting}");
    }
    let lease = documented("`lease`");
    assert!(lease.contains(&format!("at least {}", millis(defaults::MIN_LEASE))), "{lease}");
    assert!(lease.contains(&format!("up to {}", seconds(defaults::MAX_LEASE))), "{lease}");
    let wait = Backoff::exponential(defaults::FIRST_OPEN_WAIT).max(defaults::MAX_OPEN_WAIT);
    assert_eq!(defaults::open_wait().base(9), wait.base(9));
}
