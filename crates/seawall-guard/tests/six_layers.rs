//! A panic crosses six layers of guards, wherever it comes from, and everything is given back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seawall_core::{AllTransient, Attempt, Chain, FromAttemptFn, Lazy, Listeners, Policy};
use seawall_guard::{Fallback, PanicGuard, Timeout};
use seawall_testkit::Alive;

const PLACES: u64 = 9;
const PLACEMENTS: u64 = 10_000;
const THREADS: u64 = 8;

/// Where a call panics. After the last place it does not.
const IN_LISTENER: u64 = 0;
const IN_LIMIT: u64 = 1;
const IN_PREDICATE: u64 = 2;
const IN_FALLBACK: u64 = 3;
const IN_ASYNC_FALLBACK: u64 = 4;
const IN_CREATING: u64 = 5;
const IN_FIRST_POLL: u64 = 6;
const IN_LATER_POLL: u64 = 7;
const IN_DROP: u64 = 8;
const NOWHERE: u64 = PLACES;

/// The splitmix64 generator, by Sebastiano Vigna.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

struct PanicsWhenDropped(bool);

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        assert!(!self.0, "in the drop");
    }
}

/// Set if the operation fails, so that the fallbacks are asked.
const FAILS: u64 = 1 << 32;

#[test]
fn ten_thousand_panics_in_seeded_places_on_eight_threads() {
    std::panic::set_hook(Box::new(|_| {}));
    let threads = (0..THREADS).map(|thread| std::thread::spawn(move || place_panics(thread)));
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
}

fn place_panics(thread: u64) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let place = Arc::new(AtomicU64::new(NOWHERE));
    let at = |which: u64| {
        let place = Arc::clone(&place);
        move || place.load(Ordering::SeqCst) & !FAILS == which
    };
    let listeners = Listeners::default();
    let in_listener = at(IN_LISTENER);
    listeners.add(move |_: &seawall_core::Event| assert!(!in_listener(), "in the listener"));

    let (in_predicate, in_limit) = (at(IN_PREDICATE), at(IN_LIMIT));
    let (in_fallback, in_async) = (at(IN_FALLBACK), at(IN_ASYNC_FALLBACK));
    let alive = Alive::default();
    let fallbacks = alive.clone();
    let outer = Fallback::with(move |_| {
        assert!(!in_fallback(), "in the fallback");
        0_u64
    })
    .max_concurrent(1)
    .listeners(&listeners)
    .build()
    .unwrap();
    let inner = Fallback::with_async(move |_| {
        let token = fallbacks.token();
        let panics = in_async();
        async move {
            let _token = token;
            tokio::task::yield_now().await;
            assert!(!panics, "in the async fallback");
            Err::<u64, _>("none here")
        }
    })
    .when(move |_| {
        assert!(!in_predicate(), "in the predicate");
        true
    })
    .max_concurrent(1)
    .listeners(&listeners)
    .build()
    .unwrap();
    let limit = Timeout::builder()
        .limit_by(move |_| {
            assert!(!in_limit(), "in the limit");
            Duration::from_secs(1)
        })
        .listeners(&listeners)
        .build()
        .unwrap();
    let total = Timeout::builder().listeners(&listeners).build().unwrap();
    let guard = || PanicGuard::builder().listeners(&listeners).build().unwrap();
    let (first, second) = (guard(), guard());

    let layers = Chain::new(
        &first,
        Chain::new(&outer, Chain::new(&total, Chain::new(&inner, Chain::new(&limit, &second)))),
    );
    let operation = |_: Attempt| {
        let bits = place.load(Ordering::SeqCst);
        let (place, fails) = (bits & !FAILS, bits & FAILS != 0);
        assert!(place != IN_CREATING, "in creating");
        let (token, drops) = (alive.token(), PanicsWhenDropped(place == IN_DROP));
        async move {
            let (_token, _drops) = (token, drops);
            assert!(place != IN_FIRST_POLL, "in the first poll");
            tokio::task::yield_now().await;
            assert!(place != IN_LATER_POLL, "in a later poll");
            if fails { Err("down") } else { Ok(1_u64) }
        }
    };
    let runtime = runtime.unwrap();
    let call = || {
        let operation = FromAttemptFn::new(operation, &AllTransient);
        runtime.block_on(Lazy::new(layers.wrap(operation)))
    };
    let mut seed = thread;
    for _ in 0..PLACEMENTS / THREADS {
        let bits = next(&mut seed);
        let fails = if bits & 1 == 0 { 0 } else { FAILS };
        place.store(((bits >> 8) % PLACES) | fails, Ordering::SeqCst);
        // An error or an answer: the call must end, and give everything back.
        drop(call());
        let held = (alive.now(), outer.in_flight(), inner.in_flight());
        assert_eq!(held, (0, 0, 0), "seed {thread}, place {}", place.load(Ordering::SeqCst));
    }
    assert!(first.caught() + second.caught() > 0 && listeners.panics() > 0);
    place.store(NOWHERE, Ordering::SeqCst);
    for _ in 0..100 {
        assert_eq!(call().unwrap(), 1);
    }
    assert_eq!((outer.refused(), inner.refused()), (0, 0));
}
