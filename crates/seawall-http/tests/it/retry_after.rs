//! When to come back.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use seawall::Random;
use seawall_http::retry_after;

#[test]
fn seconds_dates_and_milliseconds_are_read() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_700);
    let of = |fields: &[(&str, &str)]| {
        let fields = fields.iter();
        let headers: HeaderMap =
            fields.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        retry_after::of(&headers, now)
    };
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[("retry-after", "2")]), Some(Duration::from_secs(2)));
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    assert_eq!(of(&[("retry-after", date)]), Some(Duration::from_secs(77)));
    // The finer one counts, unless it is no number.
    let both = |millis| of(&[("retry-after", "2"), ("retry-after-ms", millis)]);
    assert_eq!(both("1500"), Some(Duration::from_millis(1_500)));
    for malformed in ["-1", "1.5", "", "soon", "+7"] {
        assert_eq!(both(malformed), Some(Duration::from_secs(2)), "{malformed}");
    }
    assert_eq!(both("99999999999999999999999"), Some(Duration::MAX));
}

#[test]
fn what_we_ask_for_is_rounded_up_and_spread_by_a_second() {
    let random = Random::seeded(1);
    for (wait, least) in [
        (Duration::ZERO, 1),
        (Duration::from_nanos(1), 1),
        (Duration::from_secs(1), 1),
        (Duration::from_millis(1_001), 2),
        (Duration::MAX, u64::MAX),
    ] {
        let values = (0..100).map(|_| retry_after::value(wait, &random));
        let seen: BTreeSet<u64> = values.map(|it| it.to_str().unwrap().parse().unwrap()).collect();
        assert_eq!(seen, BTreeSet::from([least, least.saturating_add(1)]), "{wait:?}");
    }
}
