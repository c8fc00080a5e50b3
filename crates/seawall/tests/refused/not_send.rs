// What isn't `Send` in the operation isn't `Send` in the call.
use seawall::Pipeline;
use std::rc::Rc;

fn main() {
    let pipeline = Pipeline::standard("inventory").build().unwrap();
    tokio::spawn(async move {
        let shared = Rc::new(1);
        pipeline.call(|| async { Ok::<_, ()>(*shared) }).await
    });
}
