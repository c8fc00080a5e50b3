//! A rate for each key, within bounds.

use std::time::Duration;

use crate::support::by_hand;
use seawall_core::{AllTransient, Description, FromFn, Layer, LayerContext, Lazy, Policy};
use seawall_limit::rate::RateLimitOf;
use seawall_limit::{Algorithm, KeyedRateLimit, RateLimit};
use tokio::time::advance;
use tokio_util::sync::CancellationToken;

const SECOND: Duration = Duration::from_secs(1);

fn limit(max_keys: usize) -> KeyedRateLimit<u64> {
    KeyedRateLimit::new(RateLimit::builder().per_second(10).burst(2), max_keys).unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_rate_of_its_own() {
    let limit = limit(100);
    for key in [1, 2] {
        assert!(limit.try_acquire(&key).is_ok());
        assert!(limit.try_acquire(&key).is_ok());
        let refusal = limit.try_acquire(&key).unwrap_err();
        assert_eq!(refusal.retry_after(), Some(SECOND / 10));
    }
    advance(SECOND / 10).await;
    assert!(limit.try_acquire(&1).is_ok());
    assert!(limit.call(&2, async { Ok::<_, ()>(()) }).await.is_ok());
    assert!(limit.call(&2, async { Ok::<_, ()>(()) }).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_key_is_refused_until_the_time_that_is_named_and_admitted_at_it() {
    let nano = Duration::from_nanos(1);
    // A third of a nanosecond is left over.
    let limit = KeyedRateLimit::new(RateLimit::builder().rate(3, SECOND).burst(1), 10_000).unwrap();
    limit.try_acquire(&1).unwrap();
    let wait = limit.try_acquire(&1).unwrap_err().retry_after().unwrap();
    assert_eq!(wait, nano * 333_333_334);
    advance(wait.saturating_sub(nano)).await;
    assert_eq!(limit.try_acquire(&1).unwrap_err().retry_after(), Some(nano));
    advance(nano).await;
    limit.try_acquire(&1).unwrap();
}

#[tokio::test(start_paused = true)]
async fn idle_keys_make_room_and_memory_stays_bounded() {
    let limit = limit(160);
    for key in 0..100_000_u64 {
        let _ = limit.try_acquire(&key);
        if key % 100 == 0 {
            advance(SECOND).await;
        }
    }
    let snapshot = limit.snapshot();
    assert!(snapshot.keys <= 160, "{snapshot:?}");
    assert!(snapshot.evicted > 90_000, "{snapshot:?}");
}

#[tokio::test(start_paused = true)]
async fn made_up_keys_stretch_neither_memory_nor_rate() {
    let limit = limit(16);
    let admitted = (0..100_000_u64).filter(|key| limit.try_acquire(key).is_ok()).count();
    let snapshot = limit.snapshot();
    assert!(snapshot.keys <= 16);
    // The burst of each key that is remembered, and one burst for all others together.
    assert_eq!(admitted, 16 + 2);
    assert_eq!(snapshot.overflowed, 100_000 - snapshot.keys as u64);
}

#[tokio::test(start_paused = true)]
async fn a_busy_key_is_not_forgotten_for_a_new_one() {
    let limit = limit(1);
    for key in 0..16_u64 {
        let _ = limit.try_acquire(&key);
        let _ = limit.try_acquire(&key);
    }
    for key in 16..1_000_u64 {
        let _ = limit.try_acquire(&key);
    }
    assert!(limit.try_acquire(&0).is_err(), "its two are taken, whatever came in between");
}

#[tokio::test(start_paused = true)]
async fn the_rate_of_all_keys_changes() {
    let limit = limit(100);
    assert!(limit.try_acquire(&1).is_ok() && limit.try_acquire(&1).is_ok());
    limit.set_rate(10, SECOND, 4).unwrap();
    assert!(limit.try_acquire(&1).is_ok() && limit.try_acquire(&1).is_ok());
    assert!(limit.try_acquire(&1).is_err());
    assert_eq!(limit.set_rate(0, SECOND, 1).unwrap_err().field, "permits");
}

#[tokio::test(start_paused = true)]
async fn fractions_of_a_nanosecond_are_rounded_up_for_another_rate() {
    let limit = KeyedRateLimit::new(RateLimit::builder().per_second(3).burst(3), 10_000).unwrap();
    // Two thirds of a second are used up, 666,666,666⅔ ns; from then on a permit is a second.
    assert!(limit.try_acquire(&1).is_ok() && limit.try_acquire(&1).is_ok());
    limit.set_rate(1, SECOND, 2).unwrap();
    assert!(limit.try_acquire(&1).is_ok());
    let refusal = limit.try_acquire(&1).unwrap_err();
    assert_eq!(refusal.retry_after(), Some(Duration::from_nanos(666_666_667)));
    assert_eq!(refusal.evidence().unwrap().samples, 0, "nobody waits");
}

#[tokio::test(start_paused = true)]
async fn a_key_makes_room_in_the_nanosecond_in_which_it_is_idle() {
    let limit = limit(1);
    let ask_with = |keys: std::ops::Range<u64>| {
        for key in keys {
            let _ = limit.try_acquire(&key);
            let _ = limit.try_acquire(&key);
        }
        limit.snapshot().evicted
    };
    // Two permits are 200 ms.
    assert_eq!(ask_with(0..300), 0);
    advance(Duration::from_nanos(199_999_999)).await;
    assert_eq!(ask_with(300..600), 0);
    advance(Duration::from_nanos(1)).await;
    assert_eq!(ask_with(600..900), 16);
}

#[tokio::test(start_paused = true)]
async fn what_keys_share_that_find_no_room_is_rounded_up_too() {
    let limit = KeyedRateLimit::new(RateLimit::builder().per_second(3).burst(3), 1).unwrap();
    let mut keys = 0_u64..;
    let mut until_one_finds_no_room = || {
        let before = limit.snapshot().overflowed;
        let answers = keys.by_ref().map(|key| limit.try_acquire(&key));
        let mut answers = answers.skip_while(|_| limit.snapshot().overflowed == before);
        answers.next().unwrap()
    };
    // As with a key of its own, above.
    assert!(until_one_finds_no_room().is_ok() && until_one_finds_no_room().is_ok());
    limit.set_rate(1, SECOND, 2).unwrap();
    assert!(until_one_finds_no_room().is_ok());
    let refusal = until_one_finds_no_room().unwrap_err();
    assert_eq!(refusal.retry_after(), Some(Duration::from_nanos(666_666_667)));
}

#[tokio::test(start_paused = true)]
async fn as_many_keys_are_remembered_as_was_said() {
    let limit = limit(1_600);
    for key in 0..50_000_u64 {
        let _ = limit.try_acquire(&key);
    }
    assert_eq!(limit.snapshot().keys, 1_600);
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_key_is_a_layer_of_a_pipeline() {
    let limit = limit(100);
    let (alice, bob) =
        (limit.get(&1), limit.get(&2).into_policy(&LayerContext::new("api")).unwrap());
    let call = |key: &RateLimitOf<u64>| {
        let op = FromFn::new(|| std::future::ready(Ok::<_, ()>(())), &AllTransient);
        by_hand(Lazy::new(key.wrap(op))).ready()
    };
    assert!(call(&alice).is_ok() && call(&alice).is_ok());
    let error = call(&alice).unwrap_err();
    assert_eq!(error.retry_after(), Some(SECOND / 10));
    assert!(call(&bob).is_ok(), "of a key of its own");
    assert_eq!(limit.snapshot().refused, 1);
    let text = bob.describe(Description::bare()).to_string();
    assert!(text.contains("10 calls in 1s, counted evenly, 2 at once, for each key"), "{text}");
}

#[test]
fn a_wrong_field_is_named() {
    let field = |rate, max_keys| KeyedRateLimit::<u64>::new(rate, max_keys).unwrap_err().field;
    let rate = RateLimit::builder;
    assert_eq!(field(rate(), 0), "max_keys");
    assert_eq!(field(rate().per_second(0), 1), "permits");
    assert_eq!(field(rate().name(""), 1), "name");
    assert_eq!(field(rate().algorithm(Algorithm::SlidingLog), 1), "algorithm");
    assert_eq!(field(rate().queue(1, SECOND), 1), "queue");
    assert_eq!(field(rate().shutdown(CancellationToken::new()), 1), "shutdown");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_limit_and_its_key() {
    let refused = |limit: &KeyedRateLimit<String>, pipeline: &str| {
        let key = limit.get("alice").into_policy(&LayerContext::new(pipeline)).unwrap();
        let op = FromFn::new(|| std::future::ready(Ok::<_, std::fmt::Error>(())), &AllTransient);
        let error = by_hand(Lazy::new(key.wrap(op))).ready().unwrap_err().to_string();
        assert!(error.contains(&format!("'{}'", key.name())), "{error}");
        key.name().to_string()
    };
    let rate = || RateLimit::builder().per_second(1);
    let keyed = |rate| KeyedRateLimit::<String>::new(rate, 100).unwrap();
    for (limit, name) in
        [(keyed(rate().name("tenants")), "tenants[alice]"), (keyed(rate()), "rate limit[alice]")]
    {
        limit.try_acquire("alice").unwrap();
        assert_eq!(refused(&limit, "api"), name);
    }
    let limit = keyed(rate());
    assert_eq!(limit.get("bob").name().as_str(), "rate limit[bob]");
    limit.try_acquire("bob").unwrap();
    assert_eq!(limit.try_acquire("bob").unwrap_err().policy().as_str(), "rate limit");
    let long = limit.get(&"é".repeat(200));
    assert_eq!(long.name().as_str().len(), 255, "cut off between two characters");
}

#[tokio::test(start_paused = true)]
async fn the_listeners_of_the_set_receive_the_events_of_every_key() {
    let limit = KeyedRateLimit::<String>::new(RateLimit::builder().per_second(1), 10_000).unwrap();
    let (sender, received) = std::sync::mpsc::channel();
    limit.listeners().add(move |event: &seawall_core::Event| {
        let _ = sender.send(event.policy.to_string());
    });
    let key = limit.get("alice").into_policy(&LayerContext::new("api")).unwrap();
    for _ in 0..2 {
        let op = FromFn::new(|| std::future::ready(Ok::<_, std::fmt::Error>(())), &AllTransient);
        let _ = by_hand(Lazy::new(key.wrap(op))).ready();
    }
    limit.try_acquire("alice").unwrap_err();
    assert_eq!(received.try_iter().collect::<Vec<_>>(), ["rate limit[alice]", "rate limit"]);
}

#[tokio::test(start_paused = true)]
async fn under_another_rate_idle_keys_are_looked_for_at_once() {
    let minute = SECOND * 60;
    let limit = KeyedRateLimit::new(RateLimit::builder().rate(1, minute * 60), 1_600).unwrap();
    let ask_with = |keys: std::ops::Range<u64>| {
        for key in keys {
            let _ = limit.try_acquire(&key);
        }
        (limit.snapshot().keys, limit.snapshot().evicted)
    };
    assert_eq!(ask_with(0..800), (800, 0));
    advance(minute * 59).await;
    // These find all busy, and by this rate nobody looks again before an hour has passed.
    assert_eq!(ask_with(1_000..9_000), (1_600, 0));
    limit.set_rate(1_000, SECOND, 1).unwrap();
    advance(minute).await;
    assert_eq!(ask_with(10_000..20_000), (1_600, 800));
}
