//! `.retry(..).idempotent()` put the default retry in the place of the one that was given, and
//! `.without_retry().idempotent()` put one where there was to be none.

use seawall::limit::CongestionControlBuilder;
use seawall::{CongestionControl, Error, Pipeline, Random};
use seawall_testkit::{Script, Step};

fn four() -> CongestionControlBuilder {
    CongestionControl::builder().max_attempts(4)
}

#[test]
fn said_of_a_pipeline_with_a_retry_of_its_own_it_is_refused_in_any_order() {
    let standard = || Pipeline::standard("inventory");
    for builder in [
        standard().with_congestion_control(four()).idempotent(),
        standard().idempotent().with_congestion_control(four()),
    ] {
        let error = builder.build().unwrap_err();
        let text = "pipeline: idempotent is set, but must be set on the congestion control that is \
                    given";
        assert_eq!(error.to_string(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_was_given_is_the_one_that_repeats() {
    // The longest pauses that may be drawn leave no time for a fourth request.
    let control = four().idempotent().random(Random::from_fn(|| 0));
    let pipeline =
        Pipeline::standard("inventory").with_congestion_control(control).build().unwrap();
    let operation = Script::<(), _>::new([Step::err("down")]);
    pipeline.call(|| operation.run()).await.unwrap_err();
    assert_eq!(operation.started(), 4);
}

#[tokio::test(start_paused = true)]
async fn without_a_retry_nothing_is_repeated_whatever_is_said() {
    let standard = || Pipeline::standard("inventory");
    let builders = [
        standard().without_congestion_control().idempotent(),
        standard().idempotent().without_congestion_control(),
    ];
    for builder in builders {
        let pipeline = builder.build().unwrap();
        let operation = Script::<(), _>::new([Step::err("down")]);
        let error = pipeline.call(|| operation.run()).await.unwrap_err();
        assert!(matches!(error, Error::Operation { error: "down", .. }));
        assert_eq!(operation.started(), 1);
    }
}
