//! What a breaker takes, so that nobody makes it bigger without noticing.

use seawall_core::{Listeners, Name, PolicyKind};

use crate::Breaker;
use crate::machine::Settings;
use crate::shared::Shared;

/// Whatever is in an `Arc` is counted by two words.
const fn counted(bytes: usize) -> usize {
    2 * size_of::<usize>() + bytes
}

#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn size_of_a_breaker() {
    // Its text, and room for the name of an outer limit.
    let name =
        counted(size_of::<Box<str>>() + size_of::<Name>()) + "breaker".len().next_multiple_of(8);
    let window_of_100 = 100_usize.div_ceil(64) * size_of::<u64>();
    let shared = counted(size_of::<Shared>()) + counted(size_of::<Settings>());
    let reported = size_of::<Name>() + size_of::<PolicyKind>() + size_of::<Listeners>();
    let names = counted(reported.next_multiple_of(8)) + name;
    assert_eq!(size_of::<Breaker>() + shared + names + window_of_100, 560);
}
