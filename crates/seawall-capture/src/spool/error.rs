//! Why it can't be opened, or not be written.

use std::fmt;
use std::io;
use std::sync::Arc;

use seawall_core::ConfigError;

/// Why a spool can't be opened, or not be written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SpoolError {
    /// What the system says.
    Io(Arc<io::Error>),
    /// Another process, or another part of this one, has it open.
    Locked,
    /// The file is something else, or its header is damaged. It was left as it is.
    NotASpool,
    /// The file was written by another version of this crate. It was left as it is.
    #[non_exhaustive]
    Version {
        /// The version of the file.
        found: u32,
        /// The one that is known.
        known: u32,
    },
    /// A setting that makes no sense.
    Config(ConfigError),
    /// Its thread is gone.
    Ended,
}

impl SpoolError {
    pub(super) fn io(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

impl From<ConfigError> for SpoolError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the spool can't be read or written: {error}"),
            Self::Locked => f.write_str("the spool is in use"),
            Self::NotASpool => f.write_str("the file is no spool, or its header is damaged"),
            Self::Version { found, known } => {
                write!(f, "the spool is of version {found}, and version {known} is what is known")
            }
            Self::Config(error) => error.fmt(f),
            Self::Ended => f.write_str("the spool's thread is gone"),
        }
    }
}

impl std::error::Error for SpoolError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Config(error) => error.source(),
            _ => None,
        }
    }
}
