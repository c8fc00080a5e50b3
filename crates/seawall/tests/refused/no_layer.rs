// A layer is a policy or its builder.
use std::time::Duration;

use seawall::Pipeline;

fn main() {
    let _ = Pipeline::builder("inventory").retry(Duration::from_secs(1));
}
