//! The shapes of a caller that are refused, and what the compiler says of each.
//!
//! It lists the policies that are compiled in, so the messages are frozen for the default features.
#![cfg(not(feature = "capture"))]

#[test]
fn refused_shapes_say_why() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/refused/*.rs");
}
