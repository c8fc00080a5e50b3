// `call` wants a closure that makes the future.
use seawall::Pipeline;

async fn fetch() -> Result<u32, std::io::Error> {
    Ok(42)
}

fn main() {
    let pipeline = Pipeline::builder("inventory").guard_panics().build().unwrap();
    let _ = pipeline.call(fetch());
}
