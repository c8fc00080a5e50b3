//! What sort of failure it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word that is none of those that its type knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    allowed: &'static str,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not one of {}", self.allowed)
    }
}

impl std::error::Error for UnknownWord {}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $allowed:literal { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// As a word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(UnknownWord { allowed: $allowed }),
                }
            }
        }
    };
}

words! {
    /// How bad it is. A lower severity is smaller.
    Severity, "low, medium, high, critical" {
        /// A nuisance.
        Low = "low",
        /// Something does not work for someone.
        Medium = "medium",
        /// Something does not work for many.
        High = "high",
        /// Somebody has to get up.
        Critical = "critical",
    }
}

words! {
    /// What failed.
    Kind, "runtime, logic, integration, performance, configuration, security" {
        /// The machine: memory, disk, threads.
        Runtime = "runtime",
        /// Our own mistake.
        Logic = "logic",
        /// Something that we call.
        Integration = "integration",
        /// It works, but too slowly.
        Performance = "performance",
        /// A setting is wrong.
        Configuration = "configuration",
        /// Somebody did what they may not.
        Security = "security",
    }
}

words! {
    /// When it shows.
    Observability, "deterministic, intermittent, environmental, load-dependent" {
        /// Every time.
        Deterministic = "deterministic",
        /// Now and then.
        Intermittent = "intermittent",
        /// In some places.
        Environmental = "environmental",
        /// Under load.
        LoadDependent = "load-dependent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        assert_eq!("critical".parse(), Ok(Severity::Critical));
        assert_eq!("load-dependent".parse(), Ok(Observability::LoadDependent));
        assert_eq!(serde_json::to_string(&Kind::Security).unwrap(), "\"security\"");
        let refused = "loud".parse::<Severity>().unwrap_err();
        assert_eq!(refused.to_string(), "not one of low, medium, high, critical");
        assert!(Severity::Critical > Severity::Low);
    }
}
