//! The facade's runs of random pipelines under calls that do anything, with a service of tower as the
//! innermost. The laws are the facade's, and so are the seeds.

mod bare;
#[path = "../../../seawall/tests/compositions/dice.rs"]
mod dice;
#[path = "../../../seawall/tests/compositions/erased.rs"]
mod erased;
#[path = "../../../seawall/tests/compositions/laws.rs"]
mod laws;
#[path = "../../../seawall/tests/compositions/operation.rs"]
mod operation;
#[path = "../../../seawall/tests/compositions/runs.rs"]
mod runs;
#[path = "../../../seawall/tests/compositions/seam.rs"]
mod seam;
#[path = "../../../seawall/tests/compositions/stack.rs"]
mod stack;

#[test]
fn the_laws_of_pipelines_hold_around_a_service() {
    runs::all();
}
