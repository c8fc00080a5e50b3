//! Which calls are shed, and which outcomes count against the dependency.

use std::future::{Ready, ready};
use std::time::Duration;

use seawall_core::{
    Class, Description, Error, Layer, LayerContext, Policy, Random, Reason, Rule, Settle,
};
use seawall_limit::{KeyedThrottle, Throttle, ThrottleBuilder};
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);

fn of(random: Random) -> ThrottleBuilder {
    Throttle::builder().window(SECOND * 10).random(random)
}

fn ok() -> Ready<Result<(), ()>> {
    ready(Ok(()))
}

fn down() -> Ready<Result<(), ()>> {
    ready(Err(()))
}

async fn is_shed(throttle: &Throttle) -> bool {
    throttle.call(ok()).await.is_err_and(|error| error.rejection().is_some())
}

#[tokio::test(start_paused = true)]
async fn in_good_health_nobody_is_shed() {
    let throttle = of(Random::lowest()).build().unwrap();
    for _ in 0..1_000 {
        throttle.call(ok()).await.unwrap();
    }
    assert_eq!(throttle.snapshot().probability.to_bits(), 0.0_f64.to_bits());
}

#[tokio::test(start_paused = true)]
async fn half_may_fail_before_any_is_shed_then_it_says_how_likely_it_was() {
    let throttle = of(Random::lowest()).build().unwrap();
    for _ in 0..50 {
        throttle.call(ok()).await.unwrap();
        throttle.call(down()).await.unwrap_err();
    }
    assert!(!is_shed(&throttle).await);
    for _ in 0..3 {
        throttle.call(down()).await.unwrap_err();
    }
    let refusal = throttle.try_acquire().unwrap_err();
    assert_eq!(refusal.reason(), Reason::Shed);
    let evidence = refusal.evidence().unwrap();
    assert_eq!((evidence.rule, evidence.samples), (Rule::ShedProbability, 105));
    assert!((evidence.observed - (104.0 - 2.0 * 51.0) / 105.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn while_it_is_down_one_in_ten_gets_through_and_soon_after_all_do() {
    let throttle = of(Random::seeded(1)).build().unwrap();
    let mut sent = 0;
    for _ in 0..10_000 {
        let shed = throttle.call(down()).await.unwrap_err().rejection().is_some();
        sent += u32::from(!shed);
        advance(SECOND / 1_000).await;
    }
    assert!((900..1_400).contains(&sent), "{sent}");
    let mut shed_after = 0;
    for _ in 0..20_000 {
        shed_after += u32::from(is_shed(&throttle).await);
        advance(SECOND / 1_000).await;
    }
    assert!(!is_shed(&throttle).await);
    assert!(shed_after < 14_000, "{shed_after}");
}

#[tokio::test(start_paused = true)]
async fn what_a_call_came_to_decides_whether_it_was_accepted() {
    let throttle = of(Random::highest()).build().unwrap();
    let failed = |class| Error::operation_failed((), class);
    throttle.try_acquire().unwrap().settle(&Err::<(), _>(failed(Class::Permanent)));
    assert_eq!((throttle.snapshot().requests, throttle.snapshot().accepts), (1, 1));
    throttle.try_acquire().unwrap().settle(&Err::<(), _>(failed(Class::Transient)));
    throttle.try_acquire().unwrap().settle(&Err::<(), _>(failed(Class::Cancelled)));
    drop(throttle.try_acquire().unwrap());
    assert_eq!((throttle.snapshot().requests, throttle.snapshot().accepts), (4, 1));
    throttle.try_acquire().unwrap().settle(&Err::<(), _>(failed(Class::Ignored)));
    assert_eq!(throttle.snapshot().requests, 4);
}

#[tokio::test(start_paused = true)]
async fn a_few_calls_are_too_few_to_tell() {
    let throttle = of(Random::lowest()).build().unwrap();
    for _ in 0..10 {
        assert!(throttle.call(down()).await.unwrap_err().rejection().is_none());
    }
    assert!(is_shed(&throttle).await);
}

#[tokio::test(start_paused = true)]
async fn what_was_set_is_what_it_goes_by() {
    let of = |builder: ThrottleBuilder| async {
        let throttle = builder.random(Random::lowest()).build().unwrap();
        for n in 0..30 {
            match throttle.try_acquire() {
                Ok(permit) if n < 10 => permit.accepted(),
                other => drop(other),
            }
        }
        throttle
    };
    let shed = |throttle: &Throttle| throttle.try_acquire().is_err();
    // Of 30 calls 10 were accepted.
    let by_default = of(Throttle::builder()).await;
    assert!(shed(&by_default));
    let snapshot = by_default.snapshot();
    let (requests, accepts) = (f64::from(snapshot.requests), f64::from(snapshot.accepts));
    assert!((snapshot.probability - (requests - 2.0 * accepts) / (requests + 1.0)).abs() < 1e-9);
    assert!(!shed(&of(Throttle::builder().k(3.0)).await), "three for each that was accepted");
    assert!(!shed(&of(Throttle::builder().min_requests(32)).await), "too few to tell");
    let seldom = of(Throttle::builder().k(1.0).max_probability(0.1)).await;
    assert!((seldom.snapshot().probability - 0.1).abs() < 1e-9);
    let short = of(Throttle::builder().window(SECOND)).await;
    advance(SECOND * 2).await;
    assert!(!shed(&short), "forgotten");
    assert!(shed(&by_default), "not yet");
}

#[tokio::test(start_paused = true)]
async fn a_draw_below_the_probability_is_shed_and_one_at_it_is_not() {
    for (random, sheds) in [(Random::lowest(), true), (Random::highest(), false)] {
        let throttle = of(random).build().unwrap();
        for _ in 0..10 {
            let _ = throttle.try_acquire();
        }
        assert_eq!(is_shed(&throttle).await, sheds);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_have_a_throttle_each_within_bounds() {
    let keyed = KeyedThrottle::<u32>::new(of(Random::lowest()), 2).unwrap();
    assert!(keyed.is_empty());
    for _ in 0..20 {
        let _ = keyed.get(&1).call(down()).await;
    }
    assert!(is_shed(&keyed.get(&1)).await && !is_shed(&keyed.get(&2)).await);
    keyed.get(&3).call(ok()).await.unwrap();
    assert_eq!((keyed.len(), keyed.overflowed()), (2, 1));
    advance(SECOND * 20).await;
    keyed.get(&3).call(ok()).await.unwrap();
    assert_eq!((keyed.len(), keyed.overflowed()), (2, 1), "one of the others made room");
    assert_eq!(keyed.evicted(), 1);
    assert!(KeyedThrottle::<u32>::new(Throttle::builder(), 0).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_throttle_that_somebody_holds_is_not_made_a_second_time() {
    let keyed = KeyedThrottle::<u32>::new(of(Random::lowest()), 1).unwrap();
    let held = keyed.get(&1);
    keyed.get(&2).call(ok()).await.unwrap();
    for _ in 0..20 {
        let _ = held.call(down()).await;
    }
    assert!(is_shed(&keyed.get(&1)).await);
    assert_eq!((keyed.evicted(), keyed.overflowed()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn the_throttle_of_a_key_is_called_after_it() {
    let keyed = |builder| KeyedThrottle::<String>::new(builder, 1).unwrap();
    assert_eq!(keyed(Throttle::builder()).get("db-1").name().as_str(), "throttle[db-1]");
    let hosts = keyed(of(Random::lowest()).name("hosts"));
    let host = hosts.get("db-1").into_policy(&LayerContext::new("stock")).unwrap();
    for _ in 0..10 {
        drop(host.try_acquire());
    }
    let refusal = host.try_acquire().unwrap_err();
    assert_eq!(refusal.policy().as_str(), "hosts[db-1]");
    assert_eq!(hosts.get("db-2").name().as_str(), "hosts", "of all that find no room");
}

#[test]
fn in_a_pipeline_it_takes_its_name_and_says_what_it_is() {
    let throttle = Throttle::builder().into_policy(&LayerContext::new("stock")).unwrap();
    let text = throttle.describe(Description::bare()).to_string();
    let expected = "throttle 'stock': 2 calls for each that was accepted in the last 10s\none \
                    attempt per call, with no limit in time";
    assert_eq!(text, expected);
}

#[test]
fn a_wrong_field_is_named() {
    let refused = [
        (Throttle::builder().k(0.9), "k"),
        (Throttle::builder().k(f64::NAN), "k"),
        (Throttle::builder().window(Duration::from_nanos(9)), "window"),
        (Throttle::builder().max_probability(1.0), "max_probability"),
        (Throttle::builder().name(""), "name"),
    ];
    for (builder, field) in refused {
        assert_eq!(builder.build().unwrap_err().field, field);
    }
}
