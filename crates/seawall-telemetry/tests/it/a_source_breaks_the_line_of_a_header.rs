//! The name of the service went into `x-source-service` as it was: with a line break in it, it was two
//! headers for whoever writes them as text.

use seawall_telemetry::context::Context;

#[test]
fn a_source_that_is_no_value_of_a_header_is_left_out() {
    let context = Context::new();
    let has_source = |source| context.headers(source).iter().any(|it| it.0 == "x-source-service");
    assert!(has_source("shop"));
    for source in ["", "shop\r\nx-admin: 1", "\n", "caf\u{e9}", "a\u{7f}b"] {
        assert!(!has_source(source), "{source:?}");
    }
    assert_eq!(context.headers("\n").len(), 2);
}
