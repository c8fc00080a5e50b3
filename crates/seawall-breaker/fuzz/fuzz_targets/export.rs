//! An export that was stored: read, restored, and used.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use seawall_breaker::{Breaker, Export};

fuzz_target!(|bytes: &[u8]| {
    let Ok(export) = serde_json::from_slice::<Export>(bytes) else { return };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let Ok(breaker) = Breaker::builder().restore(export).build() else { return };
        let restored = breaker.snapshot();
        // The longest wait of the default settings is that of a server's hint.
        let longest = Duration::from_secs(5);
        assert!(restored.retry_after.is_none_or(|wait| wait <= longest), "{restored:?}");
        tokio::time::advance(longest).await;
        let ordered = restored.state.as_str().starts_with("forced");
        for _ in 0..4 {
            let call = breaker.call(async { Ok::<_, std::io::Error>(()) }).await;
            assert!(call.is_ok() || ordered, "a circuit without an order closes again: {call:?}");
        }
        let json = serde_json::to_vec(&breaker.export()).expect("an export is written");
        let again: Export = serde_json::from_slice(&json).expect("and read");
        assert!(Breaker::builder().restore(again).build().is_ok());
    });
});
