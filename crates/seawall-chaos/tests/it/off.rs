//! Off unless somebody switched it on.

use std::io;

use seawall::Pipeline;
use seawall_chaos::ChaosCounts;

use crate::failing;

#[tokio::test]
async fn off_nothing_is_drawn_or_counted() {
    let chaos = failing().build().expect("valid");
    assert!(!chaos.is_enabled());
    let pipeline = Pipeline::builder("shop").layer(chaos.clone()).build().expect("valid");
    let call = || pipeline.call(async || Ok::<_, io::Error>(42));
    assert_eq!(call().await.ok(), Some(42));
    assert_eq!(chaos.counts(), ChaosCounts::default());

    chaos.enable();
    assert!(call().await.is_err());
    chaos.disable();
    assert_eq!(call().await.ok(), Some(42));
    assert_eq!(chaos.counts().injected(), 1);
}
