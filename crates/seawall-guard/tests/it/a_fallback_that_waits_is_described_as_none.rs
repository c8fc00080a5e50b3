//! An async fallback may take any time, but the longest time of a call was described as that of the
//! layers inside the fallback.

use std::time::Duration;

use seawall_core::{Class, Description, Error, Policy};
use seawall_guard::Fallback;

const SECOND: Duration = Duration::from_secs(1);

fn longest(fallback: &impl Policy) -> Option<Duration> {
    fallback.describe(Description::bare().with_longest(Some(SECOND))).longest()
}

fn cached() -> std::future::Ready<Result<u32, &'static str>> {
    std::future::ready(Ok(7))
}

#[test]
fn how_long_a_call_takes_is_known_where_nothing_is_waited_for() {
    let by_class =
        Fallback::<_, &str>::value(7).when(|class| class == Class::Transient).build().unwrap();
    assert_eq!(longest(&by_class), Some(SECOND));
    let made = Fallback::with(|_: &Error<&str>| 7).build().unwrap();
    assert_eq!(longest(&made), Some(SECOND));
    let tried = Fallback::try_with(|_: &Error<&str>| None::<u32>).or_value(7);
    assert_eq!(longest(&tried.build().unwrap()), Some(SECOND));
}

#[test]
fn and_is_not_where_something_is() {
    let waits = Fallback::with_async(|_: &Error<&str>| cached());
    assert_eq!(longest(&waits.clone().build().unwrap()), None);
    assert_eq!(longest(&waits.or_value(7).build().unwrap()), None);
    let last =
        Fallback::try_with(|_: &Error<&str>| None::<u32>).or_with_async(|_: &Error<&str>| cached());
    assert_eq!(longest(&last.build().unwrap()), None);
}
