// A future can't borrow what the closure owns mutably: attempts would share it.
use seawall::Pipeline;

fn main() {
    let pipeline = Pipeline::standard("inventory").build().unwrap();
    let mut calls = 0;
    let _ = pipeline.call(async || {
        calls += 1;
        Ok::<_, ()>(calls)
    });
}
