//! What callers and servers say about time in their headers.
#![no_main]

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use seawall_http::{DeadlineReader, retry_after};

const AT_MOST: Duration = Duration::from_secs(10);
const NAMES: [&str; 4] =
    ["grpc-timeout", "x-envoy-expected-rq-timeout-ms", "retry-after", "retry-after-ms"];

fuzz_target!(|input: (u8, &[u8], u8, &[u8])| {
    let mut headers = HeaderMap::new();
    for (name, value) in [(input.0, input.1), (input.2, input.3)] {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        headers.append(NAMES[usize::from(name) % NAMES.len()], value);
    }
    if let Ok(deadline) = DeadlineReader::new(AT_MOST).read(&headers) {
        assert!(deadline.remaining().is_some_and(|left| left <= AT_MOST));
    }
    let _ = retry_after::of(&headers, SystemTime::UNIX_EPOCH);
});
