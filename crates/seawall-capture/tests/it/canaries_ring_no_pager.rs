//! A canary is captured on purpose: no rule but its own counts it, not even by way of a digest.

use seawall_capture::{Alarms, Capture, Clock, Digester, Draft, Timestamp};

use crate::digest_bench::{MINUTE, SECOND};

#[tokio::test(start_paused = true)]
async fn in_a_digest() {
    let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
    let alarms = Alarms::builder()
        .clock(clock.clone())
        .pager("pager", 5, MINUTE, 1)
        .canary("canary", "canary", MINUTE * 60)
        .build()
        .unwrap();
    let digester = Digester::builder().clock(clock.clone()).alarms(alarms.clone()).build().unwrap();
    let capture =
        Capture::builder().clock(clock.clone()).observer(alarms.clone()).observer(digester.clone());
    let capture = capture.build().unwrap();
    let takes = seawall_capture::digest::Callback::new(|_: &_| Ok(()));
    for (canaries, failures, notices) in [(5, 0, 0), (5, 4, 0), (5, 5, 1)] {
        (0..canaries).for_each(|_| _ = capture.record(Draft::new("C", "x").tag("canary", "1")));
        (0..failures).for_each(|_| _ = capture.record(Draft::new("E", "x")));
        clock.advance(MINUTE);
        let _closed = digester.close(&takes, SECOND).await;
        assert_eq!(alarms.check().len(), notices, "{canaries}, {failures}");
    }
}
