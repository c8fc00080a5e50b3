use std::fmt;
use std::time::Duration;

use crate::Label;

/// The reason for a decision, in figures.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evidence {
    /// The rule that decided.
    pub rule: Rule,
    /// The value that it observed.
    pub observed: f64,
    /// The configured threshold.
    pub limit: f64,
    /// From how many outcomes. With [`Rule::InFlight`]: how many were waiting; with
    /// [`Rule::Queued`]: how many were in flight.
    pub samples: u32,
}

impl Evidence {
    /// `rule` compared `observed` with `limit`, over `samples` outcomes.
    pub const fn new(rule: Rule, observed: f64, limit: f64, samples: u32) -> Self {
        Self { rule, observed, limit, samples }
    }
}

/// Which rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Failures in a row.
    ConsecutiveFailures,
    /// The share of failures in a window.
    FailureRate,
    /// The share of slow calls in a window.
    SlowRate,
    /// The user's predicate over the window.
    Predicate,
    /// Probes failed: too many for the verdict to be good.
    ProbeFailures,
    /// Probes succeeded: enough for the verdict.
    ProbeSuccesses,
    /// Calls in flight.
    InFlight,
    /// Calls waiting.
    Queued,
    /// Calls in a period.
    Rate,
    /// The probability of being shed.
    ShedProbability,
    /// The seconds left until the deadline, against those that an answer takes.
    TimeLeft,
    /// A rule of a custom policy.
    Custom(Label),
}

const BUILT_IN: u8 = 11;

/// In the order of their codes, the first of which is 1.
const RULES: [Rule; BUILT_IN as usize] = [
    Rule::ConsecutiveFailures,
    Rule::FailureRate,
    Rule::SlowRate,
    Rule::Predicate,
    Rule::ProbeFailures,
    Rule::ProbeSuccesses,
    Rule::InFlight,
    Rule::Queued,
    Rule::Rate,
    Rule::ShedProbability,
    Rule::TimeLeft,
];

/// The rule of each code.
static OF_CODE: [Option<Rule>; 256] = {
    let mut rules = [None; 256];
    let mut code = 0;
    while code < rules.len() {
        rules[code] = match code {
            0 => None,
            _ if code <= RULES.len() => Some(RULES[code - 1]),
            _ => match Label::of(code - 1 - RULES.len()) {
                Some(label) => Some(Rule::Custom(label)),
                None => None,
            },
        };
        code += 1;
    }
    rules
};

impl Rule {
    /// The rule as a number above 0.
    fn code(self) -> u8 {
        match self {
            Self::Custom(label) => BUILT_IN + 1 + label.code(),
            built_in => {
                (1..).zip(RULES).find(|(_, rule)| *rule == built_in).map_or(0, |(code, _)| code)
            }
        }
    }

    /// The rule with this code.
    fn of(code: u8) -> Option<Self> {
        OF_CODE[usize::from(code)]
    }

    /// The rule as a word, for metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConsecutiveFailures => "consecutive_failures",
            Self::FailureRate => "failure_rate",
            Self::SlowRate => "slow_rate",
            Self::Predicate => "predicate",
            Self::ProbeFailures => "probe_failures",
            Self::ProbeSuccesses => "probe_successes",
            Self::InFlight => "in_flight",
            Self::Queued => "queued",
            Self::Rate => "rate",
            Self::ShedProbability => "shed_probability",
            Self::TimeLeft => "time_left",
            Self::Custom(label) => label.as_str(),
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, observed, limit, samples } = *self;
        let percent = |share: f64| format!("{}%", (share * 1000.0).round() / 10.0);
        let is_one = |count: f64| (count - 1.0).abs() < f64::EPSILON;
        let s = |count: f64| if is_one(count) { "" } else { "s" };
        let of = s(samples.into());
        match rule {
            Rule::ConsecutiveFailures => {
                write!(f, "{observed} failure{} in a row, limit {limit}", s(observed))
            }
            Rule::FailureRate => write!(
                f,
                "{} of {samples} call{of} failed, threshold {}",
                percent(observed),
                percent(limit)
            ),
            Rule::SlowRate => write!(
                f,
                "{} of {samples} call{of} {} slow, threshold {}",
                percent(observed),
                if of.is_empty() { "was" } else { "were" },
                percent(limit)
            ),
            Rule::Predicate => write!(f, "the user's predicate held over {samples} call{of}"),
            Rule::ProbeFailures => {
                write!(f, "{observed} of {samples} probe{of} failed, limit {limit}")
            }
            Rule::ProbeSuccesses => {
                let were = if is_one(limit) { "was" } else { "were" };
                write!(f, "{observed} of {samples} probe{of} succeeded, {limit} {were} needed")
            }
            Rule::InFlight => {
                write!(f, "{observed} in flight, limit {limit}")?;
                if samples > 0 { write!(f, ", {samples} waiting") } else { Ok(()) }
            }
            Rule::Queued => write!(f, "{observed} waiting, limit {limit}, {samples} in flight"),
            Rule::Rate => write!(f, "{observed} in the period, limit {limit}"),
            Rule::ShedProbability => write!(f, "shed with probability {observed:.3}"),
            Rule::TimeLeft => {
                let time = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
                write!(f, "{:.3?} left, an answer takes {:.3?}", time(observed), time(limit))
            }
            Rule::Custom(label) => write!(f, "{label} {observed}, limit {limit}"),
        }
    }
}

/// An optional [`Evidence`] in three words, to be kept in atomics and passed on to a
/// [`Rejection`](crate::Rejection) as it is.
///
/// ```
/// use seawall_core::{Evidence, PackedEvidence, Rule};
///
/// let evidence = Evidence::new(Rule::FailureRate, 0.6, 0.5, 40);
/// let words = PackedEvidence::from(Some(evidence)).to_words();
/// assert_eq!(PackedEvidence::from_words(words).get(), Some(evidence));
/// assert_eq!(PackedEvidence::default().get(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackedEvidence {
    observed: u64,
    limit: u64,
    rule_and_samples: u64,
}

impl PackedEvidence {
    /// From the words of [`to_words`](Self::to_words). Any other words decode to `None` or to arbitrary
    /// evidence.
    pub const fn from_words([observed, limit, rule_and_samples]: [u64; 3]) -> Self {
        Self { observed, limit, rule_and_samples }
    }

    /// The words to keep.
    pub const fn to_words(self) -> [u64; 3] {
        [self.observed, self.limit, self.rule_and_samples]
    }

    /// The evidence, if there is any.
    pub fn get(self) -> Option<Evidence> {
        let (rule, samples) = self.rule_and_samples();
        Some(Evidence::new(rule?, self.observed(), self.limit(), samples))
    }

    pub(super) const fn observed(self) -> f64 {
        f64::from_bits(self.observed)
    }

    pub(super) const fn limit(self) -> f64 {
        f64::from_bits(self.limit)
    }

    #[inline]
    pub(super) fn rule_and_samples(self) -> (Option<Rule>, u32) {
        let (rule, samples) = (self.rule_and_samples >> 32, self.rule_and_samples);
        (Rule::of((rule & 0xFF) as u8), (samples & 0xFFFF_FFFF) as u32)
    }
}

impl From<Option<Evidence>> for PackedEvidence {
    fn from(evidence: Option<Evidence>) -> Self {
        evidence.map_or_else(Self::default, |Evidence { rule, observed, limit, samples }| Self {
            observed: observed.to_bits(),
            limit: limit.to_bits(),
            rule_and_samples: u64::from(rule.code()) << 32 | u64::from(samples),
        })
    }
}
