//! What a report of a panic says.

use std::error::Error;
use std::panic::panic_any;

use seawall_core::contain;
use seawall_core::panic::{MAX_MESSAGE, PayloadType, catch};

fn message(f: impl FnOnce()) -> String {
    contain(f).unwrap_err().message.into()
}

#[test]
fn text_in_its_usual_forms() {
    assert_eq!(message(|| panic!("literal")), "literal");
    assert_eq!(message(|| panic!("{}", "formatted")), "formatted");
    assert_eq!(message(|| panic_any(String::from("string"))), "string");
    assert_eq!(message(|| panic_any(Box::<str>::from("box"))), "box");
    assert_eq!(message(|| panic_any(std::sync::Arc::<str>::from("arc"))), "arc");
    assert_eq!(message(|| panic_any(std::borrow::Cow::Borrowed("cow"))), "cow");
}

#[test]
fn other_payloads_by_the_name_of_their_type() {
    assert_eq!(message(|| panic_any(7_u64)), "u64: 7");
    assert_eq!(message(|| panic_any(true)), "bool: true");
    assert_eq!(message(|| panic_any(())), "payload of type ()");
    assert!(
        message(|| panic_any(std::io::Error::other("disk full"))).ends_with("Error: disk full")
    );
    let boxed: Box<dyn Error + Send + Sync> = "broken".into();
    assert!(message(|| panic_any(boxed)).ends_with(": broken"));
    assert!(message(|| panic_any([7_u8])).starts_with("payload of an unlisted type, TypeId("));
}

#[test]
fn a_listed_type_is_named() {
    struct Odd;
    let caught = catch(|| panic_any(Odd)).unwrap_err();
    let report = caught.report(&[PayloadType::of::<u8>(), PayloadType::of::<Odd>()], false);
    assert!(report.message.ends_with("::Odd"), "{}", report.message);
}

#[test]
fn a_long_message_is_cut_on_a_character_boundary() {
    for (length, unit) in [(MAX_MESSAGE, "x"), (MAX_MESSAGE + 1, "x"), (1 << 20, "x")] {
        let message = message(|| panic_any(unit.repeat(length)));
        assert_eq!(message.len(), length.min(MAX_MESSAGE));
        assert_eq!(message.ends_with('…'), length > MAX_MESSAGE);
    }
    for unit in ["ß", "€", "🌊", "x€", "xx🌊"] {
        let text = unit.repeat(MAX_MESSAGE);
        let message = message(|| panic_any(text.clone()));
        assert!(message.len() <= MAX_MESSAGE && message.len() > MAX_MESSAGE - 8, "{unit}");
        let kept = message.strip_suffix('…').unwrap();
        assert!(text.starts_with(kept), "{unit}");
    }
}

/// Says more than anybody reads, or panics while it is shown.
#[derive(Debug)]
struct Talkative(bool);

impl std::fmt::Display for Talkative {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        assert!(self.0, "no words");
        // Ends only because the writer stops taking it.
        loop {
            f.write_str("€")?;
        }
    }
}

impl Error for Talkative {}

#[test]
fn an_error_that_never_stops_talking_or_panics_is_contained() {
    let boxed: Box<dyn Error + Send + Sync> = Box::new(Talkative(true));
    let endless = message(|| panic_any(boxed));
    assert!(endless.ends_with('…') && endless.len() <= MAX_MESSAGE, "{}", endless.len());
    let boxed: Box<dyn Error + Send + Sync> = Box::new(Talkative(false));
    assert!(message(|| panic_any(boxed)).starts_with("payload of type "));
}
