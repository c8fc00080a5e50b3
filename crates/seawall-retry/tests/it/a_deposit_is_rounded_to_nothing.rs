//! A budget counts in billionths. What was set to less than half of one was taken for nothing, and
//! built.

use seawall_retry::{Budget, BudgetBuilder};

type Set = fn(BudgetBuilder, f64) -> BudgetBuilder;

const SETTINGS: [(&str, Set); 6] = [
    ("deposit", BudgetBuilder::deposit),
    ("cost", BudgetBuilder::cost),
    ("reserve", BudgetBuilder::reserve),
    ("capacity", |builder, tokens| builder.cost(1e-9).reserve(0.0).capacity(tokens)),
    ("refill_per_second", BudgetBuilder::refill_per_second),
    ("in_flight", |builder, share| builder.in_flight(share, 1)),
];

#[test]
fn it_is_refused_by_field_and_range() {
    for (field, set) in SETTINGS {
        for too_little in [f64::MIN_POSITIVE, 1e-10, 0.4e-9, 0.6e-9] {
            let error = set(Budget::builder(), too_little).build().unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.allowed.contains("1e-9"), "{error}");
        }
        assert!(set(Budget::builder(), 1e-9).build().is_ok(), "{field}");
    }
}

#[test]
fn nothing_is_nothing_where_it_makes_sense() {
    for (field, set) in SETTINGS {
        let holds = matches!(field, "deposit" | "reserve" | "refill_per_second");
        for nothing in [0.0, -0.0] {
            assert_eq!(set(Budget::builder(), nothing).build().is_ok(), holds, "{field}");
        }
    }
}
