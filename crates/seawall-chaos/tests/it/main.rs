//! Chaos by itself and in a pipeline.

mod bounds;
mod ends;
mod in_a_pipeline;
mod off;
mod ok_503_cant_be_injected;
mod refused;

use std::io;
use std::time::Duration;

use seawall::Attempt;
use seawall_chaos::{By, Chaos, ChaosBuilder};

const MS: Duration = Duration::from_millis(1);

type Errors = By<fn(Attempt) -> io::Error>;

/// A share of the attempts fails.
fn failing_in(share: f64) -> ChaosBuilder<Errors> {
    Chaos::builder().error(share, |_: Attempt| io::Error::other("injected"))
}

/// Every attempt fails.
fn failing() -> ChaosBuilder<Errors> {
    failing_in(1.0)
}
