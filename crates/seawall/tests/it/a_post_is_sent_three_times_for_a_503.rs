//! "Overloaded" was taken for "not carried out": a request that nobody declared safe to repeat was sent
//! three times on 429 and 503, even where the caller had said that it is not. A proxy answers 503 for a
//! server that is still at work.

use std::cell::Cell;
use std::io;

use seawall::{
    Backoff, Breaker, ByOutcome, CarriedOut, Class, Error, Pipeline, Retry, StopReason, Verdict,
};

fn verdict(outcome: Result<&u16, &io::Error>) -> Verdict {
    match outcome {
        Ok(429 | 503) => Class::Overloaded { retry_after: None }.into(),
        Ok(421 | 425) => Class::Transient.not_carried_out(),
        Ok(500..) => Class::Transient.into(),
        Ok(_) => Class::Success.into(),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Class::Transient.not_carried_out()
        }
        Err(_) => Class::Transient.into(),
    }
}

type Outcome = Result<u16, io::ErrorKind>;

/// How often a request is sent that always ends like this.
async fn sent(outcome: Outcome, said: Option<bool>) -> u32 {
    let pipeline = Pipeline::builder("orders")
        .retry(Retry::builder().backoff(Backoff::none()))
        .classify(ByOutcome(verdict))
        .build()
        .unwrap();
    let sent = Cell::new(0);
    let call = pipeline.call(async || {
        sent.set(sent.get() + 1);
        outcome.map_err(io::Error::from)
    });
    let answer = match said {
        Some(said) => call.idempotent(said).await,
        None => call.await,
    };
    assert_eq!(answer.is_ok(), outcome.is_ok());
    sent.get()
}

#[tokio::test(start_paused = true)]
async fn a_call_has_three_grades() {
    let outcomes: [(Outcome, u32); 7] = [
        (Ok(429), 1),
        (Ok(503), 1),
        (Ok(500), 1),
        (Err(io::ErrorKind::ConnectionReset), 1),
        (Ok(421), 3),
        (Ok(425), 3),
        (Err(io::ErrorKind::ConnectionRefused), 3),
    ];
    for (outcome, unset) in outcomes {
        assert_eq!(sent(outcome, Some(true)).await, 3, "{outcome:?}");
        assert_eq!(sent(outcome, None).await, unset, "{outcome:?}");
        assert_eq!(sent(outcome, Some(false)).await, 1, "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_says_whether_any_attempt_may_have_been_carried_out() {
    let pipeline = Pipeline::builder("orders")
        .retry(Retry::builder().backoff(Backoff::none()))
        .classify(ByOutcome(verdict))
        .build()
        .unwrap();
    let run = async |idempotent, kinds: [io::ErrorKind; 3]| {
        let mut kinds = kinds.into_iter();
        let call = || std::future::ready(Err::<u16, _>(io::Error::from(kinds.next().unwrap())));
        pipeline.call(call).idempotent(idempotent).await.unwrap_err()
    };
    let (refused, reset) = (io::ErrorKind::ConnectionRefused, io::ErrorKind::ConnectionReset);
    let error = run(true, [refused, refused, refused]).await;
    assert_eq!(error.carried_out(), CarriedOut::No);
    // The last was not sent, and one before it may have been carried out.
    let error = run(true, [refused, reset, refused]).await;
    assert_eq!(error.last().carried_out(), CarriedOut::No);
    assert_eq!(error.carried_out(), CarriedOut::Maybe);
    assert_eq!(run(false, [refused; 3]).await.carried_out(), CarriedOut::No);
    assert_eq!(run(false, [reset; 3]).await.carried_out(), CarriedOut::Maybe);
}

#[tokio::test(start_paused = true)]
async fn our_own_refusals_were_not_carried_out_and_are_given_back_at_once() {
    let breaker = Breaker::builder().build().unwrap();
    breaker.force_open();
    let waiting = Retry::builder().wait_for_rejections();
    let pipeline = Pipeline::builder("orders").retry(waiting).breaker(breaker).build().unwrap();
    let call = pipeline.call(async || Ok::<_, io::Error>(200));
    let error = call.idempotent(false).await.unwrap_err();
    assert!(matches!(error, Error::Rejected(_)), "it is not waited for: {error}");
    assert_eq!(error.carried_out(), CarriedOut::No);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_an_attempt_that_may_have_been_carried_out_is_maybe() {
    let pipeline = Pipeline::builder("orders")
        .retry(Retry::builder().backoff(Backoff::none()))
        .breaker(Breaker::builder().consecutive_failures(1))
        .build()
        .unwrap();
    let call = pipeline.call(async || Err::<u16, _>(io::Error::other("reset")));
    let error = call.idempotent(true).await.unwrap_err();
    assert_eq!(error.gave_up().unwrap().why, StopReason::Rejected);
    assert_eq!(error.last().carried_out(), CarriedOut::No);
    assert_eq!(error.carried_out(), CarriedOut::Maybe);
}
