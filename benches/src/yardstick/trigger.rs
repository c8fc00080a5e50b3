//! What happens to the server.

use std::time::Duration;

/// What happens, for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trigger {
    pub(crate) name: &'static str,
    /// What its picture's file is called.
    pub(crate) file: &'static str,
    pub(crate) kind: Kind,
    pub(crate) length: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Refuses connections. What it was at is lost.
    Down,
    /// Takes requests and answers none.
    BlackHole,
    /// Requests hang in the queue and are worked off afterwards.
    Freeze,
    /// Each request takes five times as long.
    Slow,
    /// Three in ten are answered with an error.
    Errors,
    /// Four of ten slots.
    FewerSlots,
    /// Down and up in turns of 500 ms.
    Flapping,
}

const fn trigger(name: &'static str, file: &'static str, kind: Kind, seconds: u64) -> Trigger {
    Trigger { name, file, kind, length: Duration::from_secs(seconds) }
}

/// All eight. Ten clients are measured with all but the first and the last.
pub(crate) const ALL: [Trigger; 8] = [
    trigger("down 3 s", "down", Kind::Down, 3),
    trigger("black hole 3 s", "black-hole", Kind::BlackHole, 3),
    trigger("freeze 3 s", "freeze", Kind::Freeze, 3),
    trigger("× 5 for 3 s", "slow", Kind::Slow, 3),
    trigger("30 % errors 5 s", "errors-5", Kind::Errors, 5),
    trigger("30 % errors 15 s", "errors-15", Kind::Errors, 15),
    trigger("4 of 10 slots 3 s", "fewer-slots", Kind::FewerSlots, 3),
    trigger("flapping 4 s", "flapping", Kind::Flapping, 4),
];
