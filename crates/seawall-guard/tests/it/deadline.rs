//! How a deadline goes inwards and over the wire, and when it cuts off.

use std::future::pending;
use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{AllTransient, Attempt, Chain, FromAttemptFn, Lazy, Policy, TimedOutBy};
use seawall_guard::deadline::{WireError, decode, encode};
use seawall_guard::timeout::MAX_LIMIT;
use seawall_guard::{Deadline, Timeout};
use tokio::time::{Instant, advance};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_child_never_outlives_its_parent() {
    let parent = Deadline::after(2 * SECOND);
    for (limit, left) in [
        (Duration::ZERO, Duration::ZERO),
        (SECOND, SECOND),
        (2 * SECOND, 2 * SECOND),
        (3 * SECOND, 2 * SECOND),
        (MAX_LIMIT, 2 * SECOND),
        (Duration::MAX, 2 * SECOND),
    ] {
        assert_eq!(parent.child(limit).remaining(), Some(left), "{limit:?}");
        assert_eq!(Deadline::after(limit).min(parent).remaining(), Some(left), "{limit:?}");
    }
    assert_eq!(Deadline::NEVER.child(Duration::MAX), Deadline::NEVER);
    assert_eq!(parent.earlier_by(SECOND).remaining(), Some(SECOND));
    assert_eq!(parent.earlier_by(Duration::MAX).remaining(), Some(Duration::ZERO));
    advance(3 * SECOND).await;
    assert!(parent.has_passed());
    assert_eq!(parent.child(SECOND).remaining(), Some(Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn as_a_policy_it_reaches_the_operation_and_cuts_it_off() {
    let deadline = Deadline::after(SECOND);
    let slow = Timeout::new(30 * SECOND);
    let begin = Instant::now();
    let op = FromAttemptFn::new(
        |attempt: Attempt| {
            assert_eq!(Deadline::of(&attempt).remaining(), Some(SECOND));
            pending::<Result<(), ()>>()
        },
        &AllTransient,
    );
    let error = Lazy::new(Chain::new(&deadline, &slow).wrap(op)).await.unwrap_err();
    assert_eq!(error.timed_out().unwrap().by(), TimedOutBy::Deadline);
    assert_eq!(begin.elapsed(), SECOND);

    let alone = Deadline::after(SECOND).call(pending::<Result<(), std::fmt::Error>>());
    let error = alone.await.unwrap_err();
    assert_eq!(error.to_string(), "timeout 'deadline': the deadline passed after 1.000s");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_leaves_one_poll() {
    let over = Deadline::after(Duration::ZERO);
    assert_eq!(over.call(async { Ok::<_, ()>(1) }).await.unwrap(), 1);
    assert!(over.call(pending::<Result<(), ()>>()).await.is_err());
    assert_eq!(Deadline::NEVER.call(async { Ok::<_, ()>(1) }).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_read_within_and_narrows_inner_scopes() {
    assert_eq!(Deadline::current(), Deadline::NEVER);
    let outer = Deadline::after(SECOND);
    outer
        .scope(async {
            assert_eq!(Deadline::current(), outer);
            let longer = Deadline::after(5 * SECOND);
            longer.scope(async { assert_eq!(Deadline::current(), outer) }).await;
            let shorter = Deadline::after(SECOND / 2);
            shorter.scope(async { assert_eq!(Deadline::current(), shorter) }).await;
        })
        .await;
    assert_eq!(Deadline::current(), Deadline::NEVER);
}

#[tokio::test(start_paused = true)]
async fn over_the_wire_goes_the_time_left() {
    assert_eq!(Deadline::NEVER.to_wire(), None);
    let deadline = Deadline::after(2 * SECOND);
    assert_eq!(deadline.to_wire().as_deref(), Some("2000000u"));
    advance(5 * SECOND).await;
    assert_eq!(deadline.to_wire().as_deref(), Some("0n"));
    assert_eq!(Deadline::from_wire(b"3S", 10 * SECOND).unwrap().remaining(), Some(3 * SECOND));
    assert_eq!(Deadline::from_wire(b"99999999H", SECOND).unwrap().remaining(), Some(SECOND));
    assert_eq!(Deadline::from_wire(b"99999999H", Duration::MAX).unwrap(), Deadline::NEVER);
    assert!(Deadline::from_wire("0n", SECOND).unwrap().has_passed());
}

#[test]
fn hostile_input_is_refused() {
    use WireError::{Empty, NoDigits, NotADigit, TooLong, UnknownUnit};
    let table: [(&[u8], WireError); 18] = [
        (b"", Empty),
        (b"S", NoDigits),
        (b"1", UnknownUnit),
        (b"1s", UnknownUnit),
        (b"1h", UnknownUnit),
        (b"-1S", NotADigit { at: 0 }),
        (b"+1S", NotADigit { at: 0 }),
        (b" 1S", NotADigit { at: 0 }),
        (b"1 S", NotADigit { at: 1 }),
        (b"1S ", UnknownUnit),
        (b"1.5S", NotADigit { at: 1 }),
        (b"1e9S", NotADigit { at: 1 }),
        (b"0x1S", NotADigit { at: 1 }),
        (b"NaNS", NotADigit { at: 0 }),
        (b"infS", NotADigit { at: 0 }),
        ("٣S".as_bytes(), NotADigit { at: 0 }),
        (b"\0\0S", NotADigit { at: 0 }),
        (b"123456789S", TooLong { length: 10 }),
    ];
    for (text, error) in table {
        assert_eq!(decode(text), Err(error), "{}", text.escape_ascii());
    }
    assert_eq!(decode(vec![b'1'; 1 << 20]), Err(TooLong { length: 1 << 20 }));
}

#[test]
fn boundaries_of_the_format() {
    for (text, left) in [
        ("0n", Duration::ZERO),
        ("1n", Duration::from_nanos(1)),
        ("99999999n", Duration::from_nanos(99_999_999)),
        ("100000u", Duration::from_millis(100)),
        ("99999999H", Duration::from_hours(99_999_999)),
    ] {
        assert_eq!(decode(text), Ok(left));
        assert_eq!(encode(left), text);
    }
    assert_eq!(decode(b"00000001S"), Ok(SECOND));
}

proptest! {
    #[test]
    fn a_written_time_can_be_read_and_is_never_longer(secs in any::<u64>(), nanos in 0..1_000_000_000_u32) {
        let left = Duration::new(secs, nanos);
        let read = decode(encode(left)).unwrap();
        prop_assert!(read <= left);
        // Eight digits: off by less than one in ten million, up to the largest value.
        let largest = Duration::from_hours(99_999_999);
        if left <= largest {
            prop_assert!(left.abs_diff(read) <= left / 1_000_000 + Duration::from_nanos(1));
        }
    }

    #[test]
    fn no_bytes_panic(text in prop::collection::vec(any::<u8>(), 0..16)) {
        if let Ok(left) = decode(text) {
            prop_assert!(left <= Duration::from_hours(99_999_999));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_of_the_longest_limit_is_due_and_of_a_longer_one_never() {
    let longest = Deadline::NEVER.child(MAX_LIMIT);
    assert_eq!(longest.remaining(), Some(MAX_LIMIT));
    assert_eq!(Deadline::NEVER.child(MAX_LIMIT + Duration::from_nanos(1)), Deadline::NEVER);
}
