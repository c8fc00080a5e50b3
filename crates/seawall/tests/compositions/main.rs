//! Pipelines of every order that composes, under calls that do anything: what went in comes out.
//!
//! Each run draws its layers, their settings, the calls and what befalls them from one seed, which
//! is printed if a law is broken. `SEAWALL_CASES` sets how many runs there are, `SEAWALL_SEED` the
//! first seed.

mod bare;
mod dice;
mod erased;
mod laws;
mod operation;
mod runs;
mod seam;
mod stack;

#[test]
fn whatever_befalls_whatever_pipeline_everything_is_given_back_and_told_once() {
    runs::all();
}
