// A future can be started only once.
use seawall::{Pipeline, Retry};

async fn fetch() -> Result<u32, std::io::Error> {
    Ok(42)
}

fn main() {
    let pipeline =
        Pipeline::builder("inventory").retry(Retry::builder().idempotent()).build().unwrap();
    let _ = pipeline.call_once(fetch());
}
