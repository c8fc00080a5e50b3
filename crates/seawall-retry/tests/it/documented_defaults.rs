//! The tables of defaults in the documentation say what the constants are.

use seawall_retry::{budget, hedge, retry};

/// The row of a table in the documentation of `source` that begins with `setting`.
#[track_caller]
fn row<'s>(source: &'s str, setting: &str) -> &'s str {
    let start = format!("| {setting}");
    let mut rows = source.lines().filter_map(|line| {
        line.trim_start().trim_start_matches(['/', '!']).trim_start().strip_prefix(&start)
    });
    rows.next_back().unwrap_or_else(|| panic!("no row of a table begins with {setting:?}"))
}

#[track_caller]
fn says(row: &str, default: &str) {
    assert!(row.contains(default), "not {default:?} in {row:?}");
}

#[test]
fn the_tables_of_defaults_are_those_of_the_constants() {
    let delays = format!("exponential from {:?} by 2", retry::DEFAULT_INITIAL_DELAY);
    // As Rust writes it, but for a space before the unit.
    let delays = delays.replace("ms", " ms");
    let longest = format!("up to {} s, full jitter", retry::DEFAULT_MAX_DELAY.as_secs());
    let reserve = budget::DEFAULT_RESERVE;
    let fifth = "a fifth";
    assert!((budget::DEFAULT_DEPOSIT - 1.0 / 5.0).abs() < f64::EPSILON);

    let chapter = include_str!("../../src/lib.rs");
    says(
        row(chapter, "attempts |"),
        &format!("{}, the first included", retry::DEFAULT_MAX_ATTEMPTS),
    );
    says(row(chapter, "delays |"), &delays);
    says(row(chapter, "delays |"), &longest);
    says(row(chapter, "budget |"), &format!("{reserve} tokens, {fifth}"));
    assert_eq!(retry::DEFAULT_MAX_RETRY_AFTER.as_secs(), 60);
    says(row(chapter, "waits that a dependency asks for"), "up to a minute");
    assert_eq!(retry::DEFAULT_MAX_SAME_PANICS, 2);
    says(row(chapter, "the same panic"), "twice");
    let percentile = format!("the {:.0}th percentile", hedge::DEFAULT_PERCENTILE * 100.0);
    assert_eq!(hedge::DEFAULT_MAX_ATTEMPTS, 2);
    says(row(chapter, "hedge |"), &format!("one, after {percentile}"));

    let builder = include_str!("../../src/retry/config.rs");
    says(row(builder, "[`max_attempts`]"), &format!("| {} |", retry::DEFAULT_MAX_ATTEMPTS));
    says(row(builder, "[`backoff`]"), &delays);
    says(row(builder, "[`backoff`]"), &longest);
    says(row(builder, "[`budget`]"), &format!("{fifth} of the calls, and {reserve}"));
    says(row(builder, "[`max_retry_after`]"), "| 60 s |");
    says(row(builder, "[`max_same_panics`]"), &format!("| {} |", retry::DEFAULT_MAX_SAME_PANICS));

    let builder = include_str!("../../src/hedge/config.rs");
    says(row(builder, "[`delay`]"), &percentile);
    says(row(builder, "[`min_samples`]"), &format!("| {} |", hedge::DEFAULT_MIN_SAMPLES));
    says(row(builder, "[`max_attempts`]"), &format!("| {} |", hedge::DEFAULT_MAX_ATTEMPTS));
    says(row(builder, "[`budget`]"), &format!("{fifth} of the calls, and {reserve}"));

    let builder = include_str!("../../src/budget/config.rs");
    let refill = budget::DEFAULT_REFILL_PER_SECOND;
    says(row(builder, "[`refill_per_second`]"), &format!("| {refill} tokens |"));
    says(row(builder, "[`deposit`]"), &format!("| {} tokens a call |", budget::DEFAULT_DEPOSIT));
    says(row(builder, "[`reserve`]"), &format!("| {reserve} tokens |"));
    says(row(builder, "[`cost`]"), &format!("| {} token a repetition |", budget::DEFAULT_COST));
}
