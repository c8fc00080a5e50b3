//! The last success as an answer, and answers that can be told from the operation's own.

use std::cell::Cell;
use std::future::{Ready, ready};
use std::time::Duration;

use seawall_core::{Class, Error, EventKind, Listeners};
use seawall_guard::fallback::Answer;
use seawall_guard::{Fallback, PanicGuard};
use seawall_testkit::Recorder;
use tokio::time::sleep;

type Outcome<T> = Result<T, &'static str>;

const SECOND: Duration = Duration::from_secs(1);

fn outcome<T>(outcome: Outcome<T>) -> Ready<Outcome<T>> {
    ready(outcome)
}

#[tokio::test(start_paused = true)]
async fn the_last_success_answers_until_it_is_too_old() {
    let fallback = Fallback::last_good(60 * SECOND).build().unwrap();
    assert_eq!(fallback.call(outcome(Err("down"))).await.unwrap_err().operation(), Some(&"down"));
    assert_eq!((fallback.last_good_age(), fallback.failed()), (None, 1));
    for value in [1, 2] {
        assert_eq!(fallback.call(outcome(Ok(value))).await.unwrap(), value);
    }
    sleep(60 * SECOND).await;
    assert_eq!(fallback.call(outcome(Err("down"))).await.unwrap(), 2);
    assert_eq!((fallback.last_good_age(), fallback.degraded()), (Some(60 * SECOND), 1));
    sleep(SECOND / 1000).await;
    assert!(fallback.call(outcome(Err("down"))).await.is_err());
    // An answer of the fallback is no success, so it does not become younger by being given.
    assert!(fallback.last_good_age() > Some(60 * SECOND));
    fallback.call(outcome(Ok(3))).await.unwrap();
    assert_eq!(fallback.call(outcome(Err("down"))).await.unwrap(), 3);
    fallback.forget_last_good();
    assert!(fallback.call(outcome(Err("down"))).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn it_has_its_place_in_the_chain_and_its_classes() {
    let heard = Recorder::default();
    let listeners = Listeners::default();
    listeners.add(heard.clone());
    let fallback =
        Fallback::try_with(|error: &Error<_>| (error.operation() == Some(&"special")).then_some(7));
    let fallback = fallback.or_last_good(SECOND).or_value(0).listeners(&listeners);
    let fallback = fallback.when(|class| class != Class::Permanent).build().unwrap();
    assert_eq!(fallback.call(outcome(Err("down"))).await.unwrap(), 0);
    fallback.call(outcome(Ok(1))).await.unwrap();
    assert_eq!(fallback.call(outcome(Err("special"))).await.unwrap(), 7);
    assert_eq!(fallback.call(outcome(Err("down"))).await.unwrap(), 1);
    assert_eq!(heard.count(|kind| matches!(kind, EventKind::Degraded { .. })), 3);
    let clone = fallback.clone();
    drop(fallback);
    assert_eq!(clone.call(outcome(Err("down"))).await.unwrap(), 1, "clones share it");
}

#[test]
fn an_age_of_zero_is_refused() {
    let built = Fallback::<u32, ()>::last_good(Duration::ZERO).build();
    assert_eq!(built.unwrap_err().field, "last_good");
}

/// Panics when it is copied, as often as it is told to.
struct Fragile(u32);

thread_local! {
    static PANICS: Cell<u32> = const { Cell::new(0) };
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert_eq!(PANICS.get(), 0, "a copy that fails");
        Self(self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_panics_costs_no_answer() {
    let fallback = Fallback::last_good(SECOND).or_with(|_| Fragile(0)).build().unwrap();
    PANICS.set(1);
    assert_eq!(fallback.call(outcome(Ok(Fragile(1)))).await.unwrap().0, 1);
    PANICS.set(0);
    assert_eq!(fallback.call(outcome(Err("down"))).await.unwrap().0, 0, "nothing was kept");
    fallback.call(outcome(Ok(Fragile(2)))).await.unwrap();
    PANICS.set(1);
    assert_eq!(fallback.call(outcome(Err("down"))).await.unwrap().0, 0);
    PANICS.set(0);
    assert_eq!(fallback.call(outcome(Err("down"))).await.unwrap().0, 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_says_whose_it_is() {
    let guard = PanicGuard::builder().build().unwrap();
    let call = |result| guard.call(outcome(result));
    let fallback = Fallback::value(7).or_value(8).build().unwrap();
    let Answer { value, instead_of, .. } = fallback.answer(call(Ok(1))).await.unwrap();
    assert_eq!((value, instead_of.is_none()), (1, true));
    let answer = fallback.answer(call(Err("down"))).await.unwrap();
    assert!(answer.is_fallback());
    assert_eq!(answer.instead_of.unwrap().operation(), Some(&"down"));
    assert_eq!((answer.value, fallback.degraded()), (7, 1));

    let later = Fallback::with_async(|_| async {
        sleep(SECOND).await;
        Ok::<_, ()>(9)
    });
    let answer = later.build().unwrap().answer(call(Err("down"))).await.unwrap();
    assert_eq!((answer.value, answer.is_fallback()), (9, true));

    let declines = Fallback::<u32, _>::try_with(|_| None).build().unwrap();
    let error = declines.answer(call(Err("down"))).await.unwrap_err();
    assert_eq!(error.operation(), Some(&"down"));
}
