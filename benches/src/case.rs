//! The cases that are measured.

use std::fmt;

/// The library that a case belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Seawall. The text tells variants apart and is empty where there is only one.
    Ours(&'static str),
    /// A peer, named as its package, with a remark in brackets where it needs one.
    Peer(&'static str),
    /// The least that anything could cost, or a hand-written sketch of it.
    Floor(&'static str),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours("") => f.pad("seawall"),
            Self::Ours(variant) => f.pad(&format!("seawall, {variant}")),
            Self::Peer(name) | Self::Floor(name) => f.pad(name),
        }
    }
}

/// One measured thing: `group/library`, for instance `breaker/closed/recloser`.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The kind of work. Cases of one group do the same work and are compared with one another.
    pub group: &'static str,
    /// The library that does it.
    pub subject: Subject,
    /// Prepares everything that a call needs, so that only the call itself is measured.
    pub prepare: fn() -> Box<dyn Work>,
    /// How many calls one measurement makes under callgrind.
    pub calls: u64,
    /// How many reported units are in one call: 100,000 where one call runs as many
    /// tasks and the figure is for one of them.
    pub units: u64,
}

/// A prepared case.
pub trait Work {
    /// Makes `times` calls and checks that each did the work: the outcome is the expected one, and
    /// the operation ran as many times as it should.
    fn check(&mut self, times: u64) -> Result<(), String>;

    /// Makes `calls` calls. This is what is measured.
    fn run(&mut self, calls: u64);

    /// The size of the future of one call in bytes, where there is one.
    fn future_size(&self) -> Option<usize> {
        None
    }
}

impl Case {
    /// Calls in one measurement, unless the case says otherwise. The figure is a difference over
    /// this many calls, so rare work is averaged over them.
    pub const CALLS: u64 = 10_000;

    /// A case of seawall's.
    pub const fn ours(group: &'static str, prepare: fn() -> Box<dyn Work>) -> Self {
        Self::new(group, Subject::Ours(""), prepare)
    }

    /// A case of seawall's that exists in several variants.
    pub const fn variant(
        group: &'static str,
        variant: &'static str,
        prepare: fn() -> Box<dyn Work>,
    ) -> Self {
        Self::new(group, Subject::Ours(variant), prepare)
    }

    /// A case of a peer's.
    pub const fn peer(
        group: &'static str,
        name: &'static str,
        prepare: fn() -> Box<dyn Work>,
    ) -> Self {
        Self::new(group, Subject::Peer(name), prepare)
    }

    /// A floor.
    pub const fn floor(
        group: &'static str,
        name: &'static str,
        prepare: fn() -> Box<dyn Work>,
    ) -> Self {
        Self::new(group, Subject::Floor(name), prepare)
    }

    const fn new(group: &'static str, subject: Subject, prepare: fn() -> Box<dyn Work>) -> Self {
        Self { group, subject, prepare, calls: Self::CALLS, units: 1 }
    }

    /// This case with `calls` calls in one measurement: fewer where a call is long.
    #[must_use]
    pub const fn calls(mut self, calls: u64) -> Self {
        self.calls = calls;
        self
    }

    /// This case with `units` units in one call: its figures are for one unit.
    #[must_use]
    pub const fn units(mut self, units: u64) -> Self {
        self.units = units;
        self
    }

    /// How many calls are checked before the measured ones.
    pub const fn checked(&self) -> u64 {
        if self.calls < 30 { self.calls } else { 30 }
    }

    /// Prepares the case and checks that it does its work.
    pub fn prepared(&self) -> Result<Box<dyn Work>, String> {
        let mut work = (self.prepare)();
        work.check(self.checked()).map_err(|reason| format!("{}: {reason}", self.name()))?;
        Ok(work)
    }

    /// Whether it is one of seawall's.
    pub const fn is_ours(&self) -> bool {
        matches!(self.subject, Subject::Ours(_))
    }

    /// The name it is run by: lower case, without blanks.
    pub fn name(&self) -> String {
        let subject: String = match self.subject {
            Subject::Ours("") => "seawall".into(),
            Subject::Ours(variant) => format!("seawall-{variant}"),
            Subject::Peer(name) | Subject::Floor(name) => name.into(),
        };
        let plain = |c: char| match c {
            ' ' | ':' | '/' | ',' | '(' | ')' | '+' | '\'' => '-',
            other => other.to_ascii_lowercase(),
        };
        let mut slug: String = subject.chars().map(plain).collect();
        while slug.contains("--") {
            slug = slug.replace("--", "-");
        }
        format!("{}/{}", self.group, slug.trim_matches('-'))
    }
}
