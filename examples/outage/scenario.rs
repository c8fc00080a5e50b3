//! The script of an outage: what happens to the server and when, how fast the clients call.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;

/// What happens to the server and when, how fast the clients call, and how long they wait.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Calls per second of each client.
    pub calls_per_second: u32,
    /// The deadline of a call: after it the caller no longer waits.
    pub call_timeout: Duration,
    /// The longest that one attempt may take, for clients that make several.
    pub attempt_timeout: Duration,
    /// The capacity of the built-in server.
    pub capacity: Capacity,
    /// The phases, in order. The first is healthy.
    pub phases: Vec<Phase>,
}

/// The capacity of the built-in server.
#[derive(Clone, Debug, PartialEq)]
pub struct Capacity {
    /// How many requests are worked on at a time.
    pub workers: u32,
    /// How many requests may wait for a worker.
    pub queue: u32,
    /// How long a worker takes for a request, on average.
    pub service_time: Duration,
}

/// A stretch of the script. Times count from the beginning of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    pub name: String,
    pub fault: Fault,
    pub begin: Duration,
    pub end: Duration,
}

/// What is wrong with the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Nothing.
    Healthy,
    /// Each request takes `factor` times as long.
    Slow { factor: f64 },
    /// `share` of the answers are 500.
    Errors { share: f64 },
    /// The process is gone: connections break, new ones are refused.
    Refused,
    /// The process hangs: connections are accepted, nothing is answered.
    BlackHole,
    /// The server is somebody else's; nobody here knows.
    Unknown,
}

impl Fault {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Slow { .. } => "slow",
            Self::Errors { .. } => "errors",
            Self::Refused => "refused",
            Self::BlackHole => "black hole",
            Self::Unknown => "unknown",
        }
    }

    /// Whether something is wrong that the script knows of.
    pub const fn is_fault(self) -> bool {
        !matches!(self, Self::Healthy | Self::Unknown)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.fault {
            Fault::Slow { factor } => write!(f, ": each request takes {factor} times as long"),
            Fault::Errors { share } => write!(f, ": {:.0} % of the answers are 500", share * 100.0),
            Fault::Refused => f.write_str(": the process is gone, connections are refused"),
            Fault::BlackHole => f.write_str(": the process hangs, connections are accepted"),
            Fault::Healthy | Fault::Unknown => Ok(()),
        }
    }
}

impl Scenario {
    /// The documented scenario.
    pub const STANDARD: &str = include_str!("scenario.toml");
    /// The one that `--quick` plays.
    pub const QUICK: &str = include_str!("quick.toml");

    /// Reads a scenario, or says in one line which field is wrong.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let toml =
            toml::Deserializer::parse(text).map_err(|error| Mistake::syntax(text, &error))?;
        let file: File =
            serde_path_to_error::deserialize(toml).map_err(|error| Mistake::field(&error))?;
        file.check()
    }

    /// How long the whole script takes.
    pub fn length(&self) -> Duration {
        self.phases.last().map_or(Duration::ZERO, |phase| phase.end)
    }

    /// The phase at `since_start`; what comes after the end counts to the last one.
    pub fn phase_at(&self, since_start: Duration) -> usize {
        let ended = self.phases.iter().take_while(|phase| phase.end <= since_start);
        ended.count().min(self.phases.len() - 1)
    }

    /// The same load on a server that nobody here controls: one phase, of which nothing is known.
    pub fn against_your_server(mut self) -> Self {
        let end = self.length();
        self.phases = vec![Phase {
            name: "your server".to_owned(),
            fault: Fault::Unknown,
            begin: Duration::ZERO,
            end,
        }];
        self
    }
}

/// What is wrong with a scenario: one line that names the field.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Mistake(String);

impl Mistake {
    fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text.as_bytes()[..offset].split(|&byte| byte == b'\n').count();
        Self::in_one_line(&format!("line {line}"), error.message())
    }

    fn field(error: &serde_path_to_error::Error<toml::de::Error>) -> Self {
        match error.path().to_string().as_str() {
            "." => Self::in_one_line("", error.inner().message()),
            path => Self::in_one_line(path, error.inner().message()),
        }
    }

    fn in_one_line(place: &str, message: &str) -> Self {
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let colon = if place.is_empty() { "" } else { ": " };
        Self(format!("{place}{colon}{message}"))
    }
}

/// The file as it is written, before anything is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    calls_per_second: u32,
    call_timeout_ms: f64,
    attempt_timeout_ms: f64,
    server: ServerTable,
    phase: Vec<PhaseTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerTable {
    workers: u32,
    queue: u32,
    service_time_ms: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PhaseTable {
    name: Option<String>,
    kind: Kind,
    seconds: f64,
    factor: Option<f64>,
    share: Option<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Healthy,
    Slow,
    Errors,
    Refused,
    #[serde(rename = "black hole")]
    BlackHole,
}

/// Bounds keep a run finite: at most 1,000 calls a second over ten minutes are remembered.
const MAX_SECONDS: f64 = 600.0;

impl File {
    fn check(self) -> Result<Scenario, Mistake> {
        within("calls_per_second", self.calls_per_second, 1..=1_000)?;
        let call_timeout = millis("call_timeout_ms", self.call_timeout_ms, 60_000.0)?;
        let attempt_timeout =
            millis("attempt_timeout_ms", self.attempt_timeout_ms, self.call_timeout_ms)?;
        let server = self.server;
        within("server.workers", server.workers, 1..=10_000)?;
        within("server.queue", server.queue, 0..=100_000)?;
        Ok(Scenario {
            calls_per_second: self.calls_per_second,
            call_timeout,
            attempt_timeout,
            capacity: Capacity {
                workers: server.workers,
                queue: server.queue,
                service_time: millis("server.service_time_ms", server.service_time_ms, 10_000.0)?,
            },
            phases: phases(self.phase)?,
        })
    }
}

fn phases(tables: Vec<PhaseTable>) -> Result<Vec<Phase>, Mistake> {
    if !(1..=100).contains(&tables.len()) {
        return refuse(
            "phase",
            format_args!("given {} times", tables.len()),
            "given 1 to 100 times",
        );
    }
    if tables[0].kind != Kind::Healthy {
        let given = format_args!("{:?}", tables[0].kind);
        return refuse("phase[0].kind", given, "healthy: the others are compared with it");
    }
    let mut begin = Duration::ZERO;
    let mut phases = Vec::with_capacity(tables.len());
    for (index, table) in tables.into_iter().enumerate() {
        let phase = table.check(&format!("phase[{index}]"), begin)?;
        begin = phase.end;
        phases.push(phase);
    }
    if begin.as_secs_f64() > MAX_SECONDS {
        let given = format_args!("{} in all", begin.as_secs_f64());
        return refuse("phase[..].seconds", given, "at most 600 in all");
    }
    Ok(phases)
}

impl PhaseTable {
    fn check(self, path: &str, begin: Duration) -> Result<Phase, Mistake> {
        let seconds = format!("{path}.seconds");
        // A tenth of a second: below that a phase is over before anybody noticed it.
        let length = number(&seconds, self.seconds, 0.1..=MAX_SECONDS, "between 0.1 and 600")?;
        let fault = self.fault(path)?;
        let name = self.name.unwrap_or_else(|| fault.as_str().to_owned());
        if !(1..=40).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            let allowed = "1 to 40 characters, none of them a control character";
            return refuse(&format!("{path}.name"), format_args!("{name:?}"), allowed);
        }
        let end = begin + Duration::from_secs_f64(length);
        Ok(Phase { name, fault, begin, end })
    }

    fn fault(&self, path: &str) -> Result<Fault, Mistake> {
        let factor = format!("{path}.factor");
        let share = format!("{path}.share");
        if self.kind != Kind::Slow && self.factor.is_some() {
            return refuse(&factor, "given", "absent, except in a slow phase");
        }
        if self.kind != Kind::Errors && self.share.is_some() {
            return refuse(&share, "given", "absent, except in an errors phase");
        }
        Ok(match self.kind {
            Kind::Healthy => Fault::Healthy,
            Kind::Refused => Fault::Refused,
            Kind::BlackHole => Fault::BlackHole,
            Kind::Slow => Fault::Slow {
                factor: required(&factor, self.factor, 1.0..=1_000.0, "between 1 and 1000")?,
            },
            Kind::Errors => {
                Fault::Errors { share: required(&share, self.share, 0.0..=1.0, "between 0 and 1")? }
            }
        })
    }
}

fn refuse<T>(field: &str, value: impl fmt::Display, allowed: &str) -> Result<T, Mistake> {
    Err(Mistake(format!("{field} is {value}, but must be {allowed}")))
}

fn within(field: &str, value: u32, allowed: RangeInclusive<u32>) -> Result<(), Mistake> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let (least, most) = allowed.into_inner();
    refuse(field, value, &format!("between {least} and {most}"))
}

fn number(
    field: &str,
    value: f64,
    range: RangeInclusive<f64>,
    allowed: &str,
) -> Result<f64, Mistake> {
    if range.contains(&value) { Ok(value) } else { refuse(field, value, allowed) }
}

fn required(
    field: &str,
    value: Option<f64>,
    range: RangeInclusive<f64>,
    allowed: &str,
) -> Result<f64, Mistake> {
    match value {
        Some(value) => number(field, value, range, allowed),
        None => refuse(field, "missing", allowed),
    }
}

fn millis(field: &str, value: f64, most: f64) -> Result<Duration, Mistake> {
    let allowed = format!("between 1 and {most}");
    number(field, value, 1.0..=most, &allowed).map(|value| Duration::from_secs_f64(value / 1_000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(change: &str, into: &str) -> String {
        assert!(Scenario::QUICK.contains(change), "{change}");
        let text = Scenario::QUICK.replacen(change, into, 1);
        Scenario::parse(&text).expect_err(into).to_string()
    }

    #[test]
    fn both_shipped_scenarios_are_good_and_keep_within_their_time() {
        let standard = Scenario::parse(Scenario::STANDARD).unwrap();
        assert!(standard.length() <= Duration::from_secs(55));
        let quick = Scenario::parse(Scenario::QUICK).unwrap();
        assert!(quick.length() <= Duration::from_secs(13));
        for scenario in [standard, quick] {
            let mut kinds: Vec<_> =
                scenario.phases.iter().map(|phase| phase.fault.as_str()).collect();
            kinds.dedup();
            kinds.retain(|&kind| kind != "healthy");
            assert_eq!(kinds, ["slow", "errors", "refused", "black hole"]);
        }
    }

    #[test]
    fn a_phase_lasts_until_the_next_begins() {
        let scenario = Scenario::parse(Scenario::QUICK).unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(scenario.phase_at(Duration::ZERO), 0);
        assert_eq!(scenario.phase_at(Duration::from_nanos(1_499_999_999)), 0);
        assert_eq!(scenario.phase_at(Duration::from_millis(1_500)), 1);
        assert_eq!(scenario.phase_at(1000 * second), 7);
    }

    #[test]
    fn a_mistake_names_its_field_in_one_line() {
        let cases = [
            (
                ("calls_per_second = 150", "calls_per_second = 0"),
                "calls_per_second is 0, but must be between 1 and 1000",
            ),
            (
                ("calls_per_second = 150", "calls_per_second = \"many\""),
                "calls_per_second: invalid type: string \"many\", expected u32",
            ),
            (("calls_per_second = 150", ""), "missing field `calls_per_second`"),
            (
                ("attempt_timeout_ms = 330", "attempt_timeout_ms = 3300"),
                "attempt_timeout_ms is 3300, but must be between 1 and 1000",
            ),
            (
                ("call_timeout_ms = 1000", "call_timeout_ms = nan"),
                "call_timeout_ms is NaN, but must be between 1 and 60000",
            ),
            (
                ("workers = 6", "workers = 0"),
                "server.workers is 0, but must be between 1 and 10000",
            ),
            (("factor = 8", ""), "phase[1].factor is missing, but must be between 1 and 1000"),
            (("share = 0.5", "share = 1.5"), "phase[3].share is 1.5, but must be between 0 and 1"),
            (
                ("share = 0.5", "factor = 2"),
                "phase[3].factor is given, but must be absent, except in a slow phase",
            ),
            (
                ("seconds = 2\n", "seconds = inf\n"),
                "phase[5].seconds is inf, but must be between 0.1 and 600",
            ),
            (
                ("kind = \"healthy\"", "kind = \"slow\"\nfactor = 2"),
                "phase[0].kind is Slow, but must be healthy: the others are compared with it",
            ),
            (
                ("name = \"healthy again\"", "name = \"\""),
                "phase[7].name is \"\", but must be 1 to 40 characters, none of them a control character",
            ),
        ];
        for ((change, into), expected) in cases {
            assert_eq!(mistake(change, into), expected);
        }
        for (change, into, field) in [
            ("kind = \"slow\"", "kind = \"sluggish\"", "phase[1].kind: unknown variant `sluggish`"),
            ("queue = 600", "cue = 600", "server.cue: unknown field `cue`"),
            ("queue = 600", "queue = ", "line 10: "),
        ] {
            let line = mistake(change, into);
            assert!(line.starts_with(field), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
    }
}
