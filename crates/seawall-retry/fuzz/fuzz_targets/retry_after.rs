//! What a server answers in `Retry-After`.
#![no_main]

use std::time::{Duration, SystemTime};

use libfuzzer_sys::fuzz_target;
use seawall_retry::parse_retry_after;

fuzz_target!(|input: (u64, &[u8])| {
    let (seconds, value) = input;
    let Some(now) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) else { return };
    let wait = parse_retry_after(value, now);
    if value.iter().all(u8::is_ascii_digit) && !value.is_empty() && value.len() <= 64 {
        assert!(wait.is_some(), "a number of seconds is always read");
    }
    if value.len() > 64 {
        assert_eq!(wait, None);
    }
});
