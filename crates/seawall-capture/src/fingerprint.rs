//! Which failures are the same.
//!
//! A fingerprint is made from the first of these that there is:
//!
//! 1. what the caller [says](crate::Draft::fingerprint),
//! 2. the first of the user's [rules](Rules) that matches,
//! 3. the type, the functions of the first in-app frames, the [normalised](normalise) message and
//!    the normalised root cause, where a backtrace was on,
//! 4. the type, the normalised message, and the normalised root cause.
//!
//! Which of them it was is stored with the group, and so is the [version](VERSION) of the way to do
//! it. Line numbers, addresses and the hashes of symbols are in none of them, so a new release does
//! not regroup everything.
//!
//! The fingerprint is the 128-bit SipHash-2-4 of that text under a key that is part of the version:
//! the same on every run, build and platform. `tests/vectors.txt` of this crate holds examples for
//! those who compute it elsewhere. A second hash, [`Grouping::check`], tells two failures apart
//! whose fingerprints collide.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher;

use crate::Record;
use crate::record::limits;

pub use normalise::normalise;
pub use rules::{RuleError, Rules};

mod glob;
mod normalise;
mod rules;
mod shape;

/// The version of the way that fingerprints are made. It rises whenever some failure would get
/// another one.
pub const VERSION: u8 = 2;

/// How many in-app frames are looked at. The innermost say what failed; what is further out is how
/// one got there.
pub const FRAMES: usize = 4;

const KEYS: (u64, u64) = (0x7365_6177_616c_6c31, 0x6669_6e67_6572_7072);
const CHECK_KEYS: (u64, u64) = (0x6361_7074_7572_6531, 0x636f_6c6c_6973_696f);
/// Between the parts of what is hashed. Normalised text holds no control characters.
const PART: char = '\u{1f}';

/// Names a group of failures. `Display`, `FromStr` and serde speak 32 lower-case hexadecimal
/// digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The fingerprint of these bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn to_bits(self) -> u128 {
        self.0
    }

    /// The name of the `n`-th group that has this fingerprint, where failures collide, for
    /// implementers of a [`Store`](crate::Store).
    #[must_use]
    pub fn colliding(self, n: u32) -> Self {
        let mut bytes = self.0.to_le_bytes().to_vec();
        bytes.extend_from_slice(&n.to_le_bytes());
        Self(hash(&bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A text that is not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseFingerprintError;

impl fmt::Display for ParseFingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not 32 hexadecimal digits")
    }
}

impl std::error::Error for ParseFingerprintError {}

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, ParseFingerprintError> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits {
            return Err(ParseFingerprintError);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| ParseFingerprintError)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a fingerprint was made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum GroupedBy {
    /// What the caller said.
    Explicit,
    /// The rule on this line of the user's rules.
    Rule {
        /// The line, counted from 1.
        line: u32,
    },
    /// The type, the first in-app frames, the normalised message and the normalised root cause.
    Frames,
    /// The type, the normalised message and the normalised root cause.
    #[default]
    Message,
}

impl fmt::Display for GroupedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Explicit => f.write_str("explicit"),
            Self::Rule { line } => write!(f, "rule on line {line}"),
            Self::Frames => f.write_str("frames"),
            Self::Message => f.write_str("message"),
        }
    }
}

/// Which group a failure belongs to, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Grouping {
    /// The group.
    pub fingerprint: Fingerprint,
    /// Another hash of the same text: what tells failures apart whose fingerprints collide.
    pub check: u64,
    /// The [version](VERSION) of the way that the fingerprint was made.
    pub version: u8,
    /// What it was made from.
    pub by: GroupedBy,
}

impl Grouping {
    /// A grouping as it was stored.
    pub const fn from_parts(
        fingerprint: Fingerprint,
        check: u64,
        version: u8,
        by: GroupedBy,
    ) -> Self {
        Self { fingerprint, check, version, by }
    }

    /// Groups by `text`.
    fn of(text: &str, by: GroupedBy) -> Self {
        let mut check = SipHasher13::new_with_keys(CHECK_KEYS.0, CHECK_KEYS.1);
        check.write(text.as_bytes());
        let fingerprint = Fingerprint(hash(text.as_bytes()));
        Self { fingerprint, check: check.finish(), version: VERSION, by }
    }
}

pub(crate) fn hash(bytes: &[u8]) -> u128 {
    let mut hasher = SipHasher24::new_with_keys(KEYS.0, KEYS.1);
    hasher.write(bytes);
    hasher.finish128().as_u128()
}

/// Gives `record` its description, unless it has one, and its grouping. `text` is scratch.
pub(crate) fn group(record: &mut Record, explicit: Option<&str>, rules: &Rules, text: &mut String) {
    // Where the description is the whole normalised message, that need not be made twice.
    let normal = record.description.is_empty()
        && normalise::into(&record.details.message, limits::DESCRIPTION, &mut record.description);
    record.grouping = match explicit {
        Some(key) => {
            text.clear();
            part(text, "explicit");
            text.push_str(key);
            Grouping::of(text, GroupedBy::Explicit)
        }
        None => by_rule(record, rules, text).unwrap_or_else(|| by_default(record, normal, text)),
    };
}

fn part(text: &mut String, part: &str) {
    text.push_str(part);
    text.push(PART);
}

fn by_rule(record: &Record, rules: &Rules, text: &mut String) -> Option<Grouping> {
    let (line, key) = rules.first(record)?;
    text.clear();
    part(text, "rule");
    text.push_str(&key);
    Some(Grouping::of(text, GroupedBy::Rule { line }))
}

fn by_default(record: &Record, normal: bool, text: &mut String) -> Grouping {
    text.clear();
    let mut frames =
        record.details.frames.iter().filter(|frame| frame.in_app).take(FRAMES).peekable();
    let by = if frames.peek().is_some() { GroupedBy::Frames } else { GroupedBy::Message };
    part(text, if by == GroupedBy::Frames { "frames" } else { "message" });
    part(text, &record.type_name);
    // Where it failed does not say what failed: one helper may fail in many ways.
    for frame in frames {
        part(text, &frame.function);
    }
    if normal {
        text.push_str(&record.description);
    } else {
        normalise::append(&record.details.message, limits::MESSAGE, text);
    }
    if let Some(root) = record.details.causes.first() {
        text.push(PART);
        normalise::append(root, limits::CAUSE, text);
    }
    Grouping::of(text, by)
}
