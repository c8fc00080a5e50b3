// The operation must be fallible.
use seawall::Pipeline;

fn main() {
    let pipeline = Pipeline::builder("inventory").guard_panics().build().unwrap();
    let _ = pipeline.call(|| async { 42 });
}
