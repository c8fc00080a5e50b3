//! Which stacks are compared.

use crate::time::{MILLISECOND, Nanos, SECOND};

use super::reader::Reader;

/// These run in addition to the stacks of the file.
pub(crate) const ALWAYS: [&str; 3] = ["none", "naive", "omniscient"];

/// A stack of a scenario file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StackSettings {
    pub(crate) name: String,
    pub(crate) settings: Settings,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Settings {
    Preset(Preset),
    Layers(Layers),
}

/// Stacks that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preset {
    /// Waits for its deadline.
    None,
    /// Three attempts without a budget.
    Naive,
    /// Three attempts within a budget.
    Budget,
    /// That, and a breaker.
    Breaker,
    /// That, and a bulkhead of 30.
    Bulkhead,
    /// Retry, breaker and an adaptive limit.
    Adaptive,
    /// That, tuned to the limit.
    Limited,
    /// `Pipeline::standard` with nothing but defaults.
    Standard,
    /// That, refusing calls while nothing is answered.
    Refusing,
}

impl Preset {
    pub(crate) fn of(word: &str) -> Option<Self> {
        PRESETS.iter().find(|preset| preset.0 == word).map(|preset| preset.1)
    }
}

const PRESETS: [(&str, Preset); 9] = [
    ("none", Preset::None),
    ("naive", Preset::Naive),
    ("budget", Preset::Budget),
    ("breaker", Preset::Breaker),
    ("bulkhead", Preset::Bulkhead),
    ("adaptive", Preset::Adaptive),
    ("limited", Preset::Limited),
    ("standard", Preset::Standard),
    ("refusing", Preset::Refusing),
];

/// A pipeline that is put together: a timeout around a retry around a breaker around an attempt's
/// timeout around a limit, each where it is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layers {
    pub(crate) attempt: Option<Nanos>,
    pub(crate) retry: Option<Retrying>,
    pub(crate) breaker: Option<Breaking>,
    pub(crate) bulkhead: Option<u32>,
    pub(crate) adaptive_limit: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Retrying {
    pub(crate) max_attempts: u32,
    pub(crate) budget: Budgeting,
    /// Always as long, before each further attempt; the retry's own waits without it.
    pub(crate) delay: Option<Nanos>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Budgeting {
    ByDefault,
    Deposit(f64),
    Off,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Breaking {
    /// Refuses further attempts only: the first one of a call always goes out.
    pub(crate) on_retries: bool,
    pub(crate) consecutive_failures: Option<u32>,
    pub(crate) failure_rate: Option<f64>,
    pub(crate) open_wait: Option<(Nanos, Nanos)>,
}

/// Reads one `[[stack]]`.
pub(super) fn read(table: Reader<'_>) -> Option<StackSettings> {
    let name = table.text("name").map(str::to_owned);
    if let Some(name) = &name
        && ALWAYS.contains(&name.as_str())
    {
        let allowed = format!("a name of its own: {} run always", ALWAYS.join(", "));
        table.refuse("name", format_args!("{name:?}"), allowed);
    }
    let words: Vec<_> = PRESETS.iter().map(|preset| preset.0).collect();
    let preset = table.word("pipeline", &words);
    let layers = layers(&table);
    let settings = match preset {
        Some(word) => {
            if layers != Layers::default() {
                table.refuse("pipeline", "given together with layers", "alone, or absent");
            }
            Settings::Preset(Preset::of(word)?)
        }
        None => Settings::Layers(layers),
    };
    let name = name.or(preset.map(str::to_owned));
    if name.is_none() {
        table.missing("name", "a text");
    }
    table.finish();
    Some(StackSettings { name: name?, settings })
}

fn layers(table: &Reader<'_>) -> Layers {
    let wait = MILLISECOND..=3_600 * SECOND;
    Layers {
        attempt: table.time("attempt", &wait),
        retry: table.table("retry").map(|retry| {
            let max_attempts = retry.whole("max_attempts", &(1..=100)).unwrap_or(3);
            let off = retry.raw("budget").and_then(toml::Value::as_bool) == Some(false);
            let budget = if off {
                Budgeting::Off
            } else {
                let deposit = retry.number("budget", &(0.001..=1.0));
                deposit.map_or(Budgeting::ByDefault, Budgeting::Deposit)
            };
            let delay = retry.time("delay", &(0..=3_600 * SECOND));
            retry.finish();
            Retrying { max_attempts, budget, delay }
        }),
        breaker: table.table("breaker").map(|breaker| {
            let consecutive_failures = breaker.whole("consecutive_failures", &(1..=1_000_000));
            let first = breaker.time("open_wait", &wait);
            let longest = breaker.time("longest_open_wait", &wait);
            if longest.is_some() && first.is_none() {
                breaker.missing("open_wait", "given where `longest_open_wait` is");
            }
            let open_wait = first.map(|first| (first, longest.unwrap_or(first).max(first)));
            let failure_rate = breaker.number("failure_rate", &(0.001..=1.0));
            let on_retries = breaker.word("on", &["attempts", "retries"]) == Some("retries");
            breaker.finish();
            Breaking { on_retries, consecutive_failures, failure_rate, open_wait }
        }),
        bulkhead: table.whole("bulkhead", &(1..=100_000)),
        adaptive_limit: table.flag("adaptive_limit").unwrap_or(false),
    }
}
