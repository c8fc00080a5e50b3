//! A fallback answered and dropped the first error, whose drop panicked: the caller got neither,
//! although the call was counted as answered.

use seawall_core::{EventKind, Listeners};
use seawall_guard::Fallback;
use seawall_testkit::{Recorder, Script, Step};

struct Touchy;

impl Drop for Touchy {
    fn drop(&mut self) {
        panic!("touched");
    }
}

#[tokio::test]
async fn the_answer_stands_and_the_panic_is_reported() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let panics = |kind: &EventKind| matches!(kind, EventKind::Panicked(_));

    let at_once = Fallback::value(7).listeners(&listeners).build().unwrap();
    assert_eq!(at_once.call(async { Err(Touchy) }).await.ok(), Some(7));
    assert_eq!((at_once.degraded(), recorder.count(panics)), (1, 1));

    let script = Script::<_, ()>::new([Step::ok(8)]);
    let later = Fallback::with_async(move |_| script.run()).listeners(&listeners).build().unwrap();
    assert_eq!(later.call(async { Err(Touchy) }).await.ok(), Some(8));
    assert_eq!((later.degraded(), recorder.count(panics)), (1, 2));
}
