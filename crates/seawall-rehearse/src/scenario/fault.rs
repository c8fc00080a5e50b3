//! What goes wrong with the servers.

use crate::time::{MILLISECOND, Nanos, SECOND};

use super::reader::Reader;

/// A fault of the scenario: what, when, and at which server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    pub(crate) at: Nanos,
    /// `Nanos::MAX` where it lasts until the run ends.
    pub(crate) until: Nanos,
    /// The one server that it happens to, the first being 0; `None` is all.
    pub(crate) backend: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Refuses connections; what it works on and what waits is lost.
    Down,
    /// Refuses connections; what it has, it finishes.
    Refuse,
    /// Takes requests and answers none.
    BlackHole,
    /// A share of the requests vanishes on the way.
    Vanish { share: f64 },
    /// Work stands still, and goes on afterwards.
    Freeze,
    /// Work stands still for `pause` in every period.
    Pauses { pause: Nanos, every: Nanos },
    /// Requests take this many times as long.
    Slow { times: f64 },
    /// Slower and slower until the middle, then faster again.
    Ramp { times: f64 },
    /// A share of the requests fails, after the work or at once.
    Errors { share: f64, at_once: bool },
    /// This many slots are left.
    Slots { left: u32 },
    /// Down and up in turns of equal length, down first.
    Flapping { every: Nanos },
    /// A restart: what it had is lost, and it is slow at first.
    ColdStart { times: f64 },
    /// Each server in turn goes down for `down` and comes back cold.
    Deploy { down: Nanos, times: f64 },
}

/// The words of `kind`.
pub(crate) const KINDS: [&str; 13] = [
    "down",
    "refuse",
    "black_hole",
    "vanish",
    "freeze",
    "pauses",
    "slow",
    "ramp",
    "errors",
    "slots",
    "flapping",
    "cold_start",
    "deploy",
];

impl Kind {
    /// The word of a scenario file.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Refuse => "refuse",
            Self::BlackHole => "black_hole",
            Self::Vanish { .. } => "vanish",
            Self::Freeze => "freeze",
            Self::Pauses { .. } => "pauses",
            Self::Slow { .. } => "slow",
            Self::Ramp { .. } => "ramp",
            Self::Errors { .. } => "errors",
            Self::Slots { .. } => "slots",
            Self::Flapping { .. } => "flapping",
            Self::ColdStart { .. } => "cold_start",
            Self::Deploy { .. } => "deploy",
        }
    }

    /// In words, for a picture or a table.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Down => "down".to_owned(),
            Self::Refuse => "connections refused".to_owned(),
            Self::BlackHole => "black hole".to_owned(),
            Self::Vanish { share } => format!("{:.0} % vanish", share * 100.0),
            Self::Freeze => "freeze".to_owned(),
            Self::Pauses { .. } => "pauses".to_owned(),
            Self::Slow { times } => format!("× {times:.1}"),
            Self::Ramp { times } => format!("ramp to × {times:.1}"),
            Self::Errors { share, .. } => format!("{:.0} % errors", share * 100.0),
            Self::Slots { left } => format!("{left} slots left"),
            Self::Flapping { .. } => "flapping".to_owned(),
            Self::ColdStart { .. } => "cold start".to_owned(),
            Self::Deploy { .. } => "deploy".to_owned(),
        }
    }
}

const SHARE: std::ops::RangeInclusive<f64> = 0.0..=1.0;
const TIMES: std::ops::RangeInclusive<f64> = 1.0..=10_000.0;
/// Shorter turns would be more boundaries than anybody looks at.
const TURN: std::ops::RangeInclusive<Nanos> = 20 * MILLISECOND..=3_600 * SECOND;
/// No run is longer.
pub(super) const LONGEST: Nanos = 24 * 3_600 * SECOND;

/// Reads one `[[fault]]`.
pub(super) fn read(table: &Reader<'_>, backends: u32) -> Option<Fault> {
    let kind = kind(table);
    let at = table.time("at", &(0..=LONGEST));
    if at.is_none() {
        table.missing("at", "a time such as \"10s\"");
    }
    let length = table.time("for", &(MILLISECOND..=LONGEST));
    let backend = table.whole("backend", &(1..=backends)).map(|number| number - 1);
    let at = at?;
    let until = length.map_or(Nanos::MAX, |length| at + length);
    Some(Fault { kind: kind?, at, until, backend })
}

fn kind(table: &Reader<'_>) -> Option<Kind> {
    let Some(word) = table.word("kind", &KINDS) else {
        table.missing("kind", format_args!("one of: {}", KINDS.join(", ")));
        return None;
    };
    let share = || {
        let share = table.number("share", &SHARE);
        if share.is_none() {
            table.missing("share", "a number between 0 and 1");
        }
        share
    };
    let times = || {
        let times = table.number("times", &TIMES);
        if times.is_none() {
            table.missing("times", "a number between 1 and 10000");
        }
        times
    };
    let time = |key, otherwise| table.time(key, &TURN).unwrap_or(otherwise);
    Some(match word {
        "down" => Kind::Down,
        "refuse" => Kind::Refuse,
        "black_hole" => Kind::BlackHole,
        "vanish" => Kind::Vanish { share: share()? },
        "freeze" => Kind::Freeze,
        "pauses" => {
            let (pause, every) = (time("pause", 300 * MILLISECOND), time("every", 2 * SECOND));
            if pause >= every {
                table.refuse("pause", "not below `every`", "below `every`");
            }
            Kind::Pauses { pause, every }
        }
        "slow" => Kind::Slow { times: times()? },
        "ramp" => Kind::Ramp { times: times()? },
        "errors" => {
            let at_once = table.flag("at_once").unwrap_or(false);
            Kind::Errors { share: share()?, at_once }
        }
        "slots" => {
            let left = table.whole("left", &(0..=100_000));
            if left.is_none() {
                table.missing("left", "a whole number between 0 and 100000");
            }
            Kind::Slots { left: left? }
        }
        "flapping" => Kind::Flapping { every: time("every", 500 * MILLISECOND) },
        "cold_start" => Kind::ColdStart { times: times()? },
        _ => Kind::Deploy { down: time("down", SECOND), times: times()? },
    })
}
