//! governor, issue 171: a limiter that is keyed by address remembers every address that was ever
//! seen, until somebody calls a method that forgets them.

use seawall_limit::{KeyedRateLimit, RateLimit};

#[test]
fn a_million_addresses_take_no_more_memory_than_was_configured() {
    let limit = KeyedRateLimit::<u64>::new(RateLimit::builder().per_second(10), 1_024).unwrap();
    for address in 0..1_000_000 {
        let _ = limit.try_acquire(&address);
    }
    let snapshot = limit.snapshot();
    assert!(snapshot.keys <= 1_024, "{snapshot:?}");
    assert!(snapshot.overflowed > 0 && snapshot.refused > 0, "{snapshot:?}");
}
