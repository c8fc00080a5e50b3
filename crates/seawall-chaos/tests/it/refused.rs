//! What can't be built.

use std::time::Duration;

use seawall::{Pipeline, Retry};
use seawall_chaos::Chaos;

use crate::{MS, failing};

#[test]
fn settings_that_make_no_sense() {
    let refused = [
        Chaos::builder().latency(0.6, MS..2 * MS).never(0.5).build().map(|_| ()),
        Chaos::builder().never(1.5).build().map(|_| ()),
        Chaos::builder().never(f64::NAN).build().map(|_| ()),
        Chaos::builder().latency(0.1, MS..MS).build().map(|_| ()),
        Chaos::builder().every_nth(0).build().map(|_| ()),
        Chaos::builder().at_most_in_flight(0).build().map(|_| ()),
        Chaos::builder().budget(0).build().map(|_| ()),
        Chaos::builder().until(Duration::ZERO).build().map(|_| ()),
        Chaos::builder().control(-0.1).build().map(|_| ()),
        failing().name("").build().map(|_| ()),
    ];
    let fields = refused.map(|built| built.unwrap_err().field);
    assert_eq!(
        fields,
        [
            "shares",
            "never",
            "never",
            "latency",
            "every_nth",
            "at_most_in_flight",
            "budget",
            "until",
            "control",
            "name",
        ]
    );
    let error = Chaos::builder().never(0.5).panic(0.6).build().unwrap_err().to_string();
    assert_eq!(error, "chaos: shares is 1.1, but must be at most 1 in sum: each is a share of all");
}

#[test]
fn a_pipeline_in_which_it_is_not_innermost() {
    let error = Pipeline::builder("shop")
        .layer(failing())
        .retry(Retry::builder().idempotent())
        .build()
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "chaos 'shop': layer is around another policy, but must be the innermost of the pipeline"
    );
}

#[test]
fn panics_without_a_guard_unless_that_is_meant() {
    let chaos = || Chaos::builder().panic(0.1);
    let error = Pipeline::builder("shop").layer(chaos()).build().unwrap_err();
    assert_eq!(error.field, "panic");
    assert!(Pipeline::builder("shop").layer(chaos().unguarded()).build().is_ok());
    assert!(Pipeline::builder("shop").guard_panics().layer(chaos()).build().is_ok());
}
