//! The shapes of a caller that are refused, and what the compiler says of each.

#[test]
fn refused_shapes_say_why() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/refused/*.rs");
}
