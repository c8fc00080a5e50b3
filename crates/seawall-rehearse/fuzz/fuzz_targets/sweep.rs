//! The values that a setting is to have, from the command line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_rehearse::Sweep;

fuzz_target!(|text: &str| {
    let _ = text.parse::<Sweep>();
});
