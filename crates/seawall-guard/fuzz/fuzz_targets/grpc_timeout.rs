//! The deadline that a caller sends along.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_guard::deadline::{decode, encode};

fuzz_target!(|bytes: &[u8]| {
    match decode(bytes) {
        Ok(remaining) => {
            assert!((2..=9).contains(&bytes.len()));
            let again = decode(encode(remaining)).expect("what is written is read");
            assert!(again <= remaining, "a deadline that is passed on never becomes longer");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
