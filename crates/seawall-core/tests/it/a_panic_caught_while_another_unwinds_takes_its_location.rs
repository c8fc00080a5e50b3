//! A panic unwound, a destructor on its way contained another, smaller one, and the first came back
//! without a location: with the note of the one that was looked at, older notes were forgotten.

use seawall_core::contain;
use seawall_core::panic::install_hook;

/// Contains a panic when it is dropped.
struct Tidies;

impl Drop for Tidies {
    fn drop(&mut self) {
        let inner = contain(|| panic!("inner")).unwrap_err();
        assert_eq!(&*inner.message, "inner");
        assert!(inner.location.is_some());
    }
}

#[test]
fn both_have_a_location() {
    assert!(install_hook());
    let outer = contain(|| {
        let _tidies = (Tidies, Tidies);
        panic!("outer")
    })
    .unwrap_err();
    assert_eq!(&*outer.message, "outer");
    let here = concat!(file!(), ":");
    let location = outer.location.expect("a location");
    assert!(location.contains(here), "{location}");

    // What was not looked at while another unwound does not lend its location later.
    let payload = Box::new("inner");
    let resumed = contain(|| std::panic::resume_unwind(payload)).unwrap_err();
    assert_eq!(resumed.location, None);
}
