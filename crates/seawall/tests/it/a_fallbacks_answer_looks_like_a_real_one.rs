//! The caller that wants to tell an answer of a fallback from the operation's own could not.

use std::time::Duration;

use seawall::guard::fallback::Answer;
use seawall::{Fallback, Pipeline, Retry};
use seawall_testkit::{Script, Step};

#[tokio::test(start_paused = true)]
async fn around_a_pipeline_it_says_whose_it_is() {
    let rates = Fallback::last_good(Duration::from_mins(1)).build().unwrap();
    let pipeline = Pipeline::builder("rates")
        .timeout(Duration::from_secs(1))
        .retry(Retry::builder().max_attempts(1))
        .build()
        .unwrap();
    let script = Script::new([Step::ok(7), Step::err("down"), Step::never()]);
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answer: Answer<u32, &str> = rates.answer(pipeline.call(|| script.run())).await.unwrap();
        let instead_of = answer.instead_of.map(|error| error.is_timeout());
        answers.push((answer.value, instead_of));
    }
    assert_eq!(answers, [(7, None), (7, Some(false)), (7, Some(true))]);
    assert_eq!(rates.degraded(), 2);
}
