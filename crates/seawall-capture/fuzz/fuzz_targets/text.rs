//! Text of strangers: normalised, redacted, read as a backtrace, a time, a fingerprint.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_capture::fingerprint::normalise;
use seawall_capture::log::{Audience, line};
use seawall_capture::record::frames_of;
use seawall_capture::{Capture, Draft, Fingerprint, Redactor, Timestamp};

fuzz_target!(|text: &str| {
    let normal = normalise(text);
    assert!(normal.len() <= text.len() * 5 + 10);
    assert!(!normal.contains('\u{1f}'));
    let redacted = Redactor::default().key("a").text(text);
    assert_eq!(Redactor::default().key("a").text(&redacted).is_empty(), redacted.is_empty());
    let _ = frames_of(text);
    if let Ok(time) = text.parse::<Timestamp>() {
        assert_eq!(time.to_string().parse(), Ok(time));
    }
    if let Ok(name) = text.parse::<Fingerprint>() {
        assert_eq!(name.to_string().parse(), Ok(name));
    }
    let Ok(capture) = Capture::builder().without_backtraces().build() else { return };
    let draft = Draft::new(text, text).tag(text, text).value(text, text).correlation_id(text);
    let line = line(&capture.prepare(draft), Audience::Internal, &[(text, text.into())]);
    assert!(!line.contains(['\n', '\u{202e}', '\u{2028}']));
});
