//! What operators write: grouping rules and templates.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_capture::digest::Templates;
use seawall_capture::fingerprint::Rules;
use seawall_capture::{Capture, Draft};

fuzz_target!(|text: &str| {
    if let Ok(rules) = Rules::parse(text)
        && let Ok(capture) = Capture::builder().rules(rules).without_backtraces().build()
    {
        capture.record(Draft::new("a::E", text).tag("a", text));
    }
    let _ = Templates::builder().text(text).build();
});
