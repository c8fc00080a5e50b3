//! `load.rate=1..9223372036854775807` panicked with "capacity overflow"; a range of a billion took all
//! memory before it was refused.

use seawall_rehearse::Sweep;

#[test]
fn a_range_of_more_than_100_values_is_refused() {
    for values in ["1..9223372036854775807", "-9223372036854775808..9223372036854775807", "1..101"]
    {
        let error = format!("load.rate={values}").parse::<Sweep>().unwrap_err();
        assert!(error.contains("1 to 100 values"), "{error}");
    }
    for values in ["1..100", "-9223372036854775808..-9223372036854775800", "7..7"] {
        assert!(format!("load.rate={values}").parse::<Sweep>().is_ok(), "{values}");
    }
}
