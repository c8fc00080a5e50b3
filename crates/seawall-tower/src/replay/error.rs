use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::BoxError;

/// Why a [`ReplayBody`](super::ReplayBody) ended early.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReplayError {
    /// The body failed. All attempts that read it see the same error.
    Body(Arc<dyn Error + Send + Sync>),
    /// The body outgrew what is kept, and another attempt is ahead.
    TooLarge,
    /// The body panicked while another attempt read it.
    Panicked,
}

impl ReplayError {
    pub(super) fn body(error: BoxError) -> Self {
        Self::Body(error.into())
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(error) => error.fmt(f),
            Self::TooLarge => f.write_str("the body outgrew what is kept for another attempt"),
            Self::Panicked => f.write_str("the body panicked in another attempt"),
        }
    }
}

impl Error for ReplayError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Body(error) => error.source(),
            Self::TooLarge | Self::Panicked => None,
        }
    }
}
