//! `Retry-After`: every value that somebody has sent.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use seawall_retry::parse_retry_after;

/// 1994-11-06 08:49:37, the date of the examples in RFC 9110.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
}

#[test]
fn seconds_and_dates_are_read() {
    let seconds = |n| Some(Duration::from_secs(n));
    for (value, expected) in [
        ("0", seconds(0)),
        ("120", seconds(120)),
        ("  7\t", seconds(7)),
        ("007", seconds(7)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", seconds(60)),
        ("Sunday, 06-Nov-94 08:50:37 GMT", seconds(60)),
        ("Sun Nov  6 08:50:37 1994", seconds(60)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", seconds(252_618_189_022)),
        ("18446744073709551615", seconds(u64::MAX)),
        ("99999999999999999999999999", Some(Duration::MAX)),
    ] {
        assert_eq!(parse_retry_after(value, now()), expected, "{value}");
    }
}

#[test]
fn a_date_that_has_passed_is_now() {
    for value in ["Sun, 06 Nov 1994 08:49:37 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        assert_eq!(parse_retry_after(value, now()), Some(Duration::ZERO), "{value}");
    }
}

#[test]
fn what_cannot_be_read_means_normal_backoff() {
    let long = "1".repeat(1 << 20);
    for value in [
        "",
        " ",
        "-1",
        "+1",
        "-0",
        "1.5",
        "1e400",
        "1e3",
        "NaN",
        "inf",
        "0x10",
        "soon",
        "120s",
        "120, 240",
        "120;240",
        "120 240",
        "Sun, 06 Nov 1994 08:49:37 GMT, 120",
        "Sun, 06 Nov 10000 08:49:37 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:61:61 GMT",
        "\u{0661}\u{0662}",
        "1\0",
        &long,
    ] {
        assert_eq!(parse_retry_after(value, now()), None, "{value:.40}");
    }
    assert_eq!(parse_retry_after(b"\xff\xfe12", now()), None);
}

proptest! {
    #[test]
    fn no_bytes_panic(value in prop::collection::vec(any::<u8>(), 0..80), seconds in any::<u32>()) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
        let _ = parse_retry_after(&value, now);
    }

    #[test]
    fn no_text_that_looks_like_a_date_panics(value in "[A-Z][a-z]{2,8},? [0-9]{2}[ -][A-Z][a-z]{2}[ -][0-9]{2,5} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT") {
        let _ = parse_retry_after(&value, now());
    }

    #[test]
    fn any_number_of_seconds_is_read(seconds in any::<u64>()) {
        let expected = Some(Duration::from_secs(seconds));
        prop_assert_eq!(parse_retry_after(seconds.to_string(), now()), expected);
    }
}
