//! What it reports.

use std::fmt;
use std::io;

/// What a spool reports.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpoolEvent<'a> {
    /// Writing fails: the disk is full, read-only, gone. Everything goes on in memory, and writing
    /// is tried again.
    #[non_exhaustive]
    Failing {
        /// Why.
        error: &'a io::Error,
    },
    /// Everything is written again.
    #[non_exhaustive]
    Recovered {
        /// How often it was tried in vain since it failed.
        attempts: u64,
    },
}

impl fmt::Display for SpoolEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failing { error } => write!(f, "the spool can't be written: {error}"),
            Self::Recovered { attempts } => {
                write!(f, "the spool is written again, after {attempts} attempts in vain")
            }
        }
    }
}
