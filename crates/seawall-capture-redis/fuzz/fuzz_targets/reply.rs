//! What a Redis server answers, from the bytes on the wire to the groups.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_capture_redis::read_reply;

fuzz_target!(|bytes: &[u8]| {
    if let Some(Err(error)) = read_reply(bytes) {
        assert!(!error.to_string().is_empty());
    }
});
