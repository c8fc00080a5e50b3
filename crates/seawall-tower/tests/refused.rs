//! The shapes of a service that are refused, and what the compiler says of each.
//!
//! It lists what implements a trait, so the messages are frozen for the default features.
#![cfg(not(feature = "replay"))]

#[test]
fn refused_shapes_say_why() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/refused/*.rs");
}
