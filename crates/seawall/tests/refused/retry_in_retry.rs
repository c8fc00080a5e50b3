// A retry around a retry multiplies attempts.
use seawall::{Pipeline, Retry};

async fn fetch() -> Result<u32, std::io::Error> {
    Ok(42)
}

fn main() {
    let pipeline = Pipeline::builder("inventory")
        .retry(Retry::builder().idempotent())
        .retry(Retry::builder().idempotent())
        .build()
        .unwrap();
    let _ = pipeline.call(fetch);
}
