//! Errors of `build()`, and the checks that all builders share.

use std::fmt::Display;
use std::time::Duration;

use crate::{Name, PolicyKind};

/// A configuration that `build()` refused. Names the policy, the field and the allowed range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{policy}{}: {field} is {value}, but must be {allowed}", quoted(.name.as_ref()))]
#[non_exhaustive]
pub struct ConfigError {
    /// The kind of policy that was being built.
    pub policy: PolicyKind,
    /// The policy's name, where one was set or is that of the pipeline around it.
    pub name: Option<Name>,
    /// The field, spelled like its setter.
    pub field: &'static str,
    /// The value that was refused.
    pub value: String,
    /// The range of values that are accepted.
    pub allowed: &'static str,
    /// The [rule](crate::Finding::rule) that refused it, where it was one about several layers.
    pub rule: Option<&'static str>,
}

impl ConfigError {
    /// Refuses `value` for `field`; `allowed` completes the sentence "must be …".
    pub fn new(
        policy: PolicyKind,
        field: &'static str,
        value: impl Display,
        allowed: &'static str,
    ) -> Self {
        Self { policy, name: None, field, value: value.to_string(), allowed, rule: None }
    }

    /// The same about the policy called `name`, unless it has a name already or is about that.
    #[must_use]
    pub fn of(mut self, name: &Name) -> Self {
        if self.name.is_none() && self.field != "name" {
            self.name = Some(name.clone());
        }
        self
    }
}

fn quoted(name: Option<&Name>) -> String {
    // A name that was refused may have anything in it.
    name.map_or_else(String::new, |name| format!(" '{}'", name.as_str().escape_debug()))
}

/// The checks of one policy's builder.
///
/// ```
/// use seawall_core::{Check, PolicyKind};
///
/// let check = Check::of(PolicyKind::Breaker);
/// let error = check.rate("failure_rate", 1.5).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "breaker: failure_rate is 1.5, but must be above 0 and at most 1",
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Check {
    policy: PolicyKind,
}

impl Check {
    /// The checks of a policy of this kind.
    pub const fn of(policy: PolicyKind) -> Self {
        Self { policy }
    }

    /// Refuses `value` for `field` unless `holds`.
    pub fn that(
        self,
        holds: bool,
        field: &'static str,
        value: impl Display,
        allowed: &'static str,
    ) -> Result<(), ConfigError> {
        if holds { Ok(()) } else { Err(ConfigError::new(self.policy, field, value, allowed)) }
    }

    /// A share: above 0, at most 1, a number.
    pub fn rate(self, field: &'static str, value: f64) -> Result<f64, ConfigError> {
        let holds = value > 0.0 && value <= 1.0;
        self.that(holds, field, value, "above 0 and at most 1").map(|()| value)
    }

    /// A count of at least 1.
    pub fn at_least_one<N: Display + Copy + PartialOrd + From<u8>>(
        self,
        field: &'static str,
        value: N,
    ) -> Result<N, ConfigError> {
        self.that(value >= N::from(1), field, value, "at least 1").map(|()| value)
    }

    /// A duration above zero.
    pub fn positive(self, field: &'static str, value: Duration) -> Result<Duration, ConfigError> {
        self.that(value > Duration::ZERO, field, format_args!("{value:?}"), "above zero")
            .map(|()| value)
    }

    /// A name that is neither empty nor longer than [`Name::MAX_LEN`] bytes, and has no control
    /// characters: with a line break in it one line of a log could pass for two.
    pub fn name(self, name: Name) -> Result<Name, ConfigError> {
        let length = name.as_str().len();
        let allowed = "between 1 and 256 bytes long";
        self.that(length > 0, "name", "empty", allowed)?;
        self.that(length <= Name::MAX_LEN, "name", format_args!("{length} bytes long"), allowed)?;
        let has_control = name.as_str().contains(char::is_control);
        self.that(!has_control, "name", format_args!("{name:?}"), "free of control characters")?;
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: Check = Check::of(PolicyKind::Retry);

    #[test]
    fn a_rate_is_above_zero_and_at_most_one() {
        for good in [f64::MIN_POSITIVE, 0.5, 1.0] {
            assert_eq!(CHECK.rate("rate", good), Ok(good));
        }
        for bad in [0.0, -0.0, -0.1, 1.0 + f64::EPSILON, f64::INFINITY, f64::NAN] {
            assert_eq!(CHECK.rate("rate", bad).unwrap_err().field, "rate");
        }
    }

    #[test]
    fn a_name_has_1_to_256_bytes() {
        for (length, holds) in [(0, false), (1, true), (256, true), (257, false)] {
            assert_eq!(CHECK.name(Name::from("x".repeat(length))).is_ok(), holds, "{length}");
        }
    }

    #[test]
    fn the_message_names_policy_field_value_and_range() {
        let message = CHECK.at_least_one("max_attempts", 0_u32).unwrap_err().to_string();
        assert_eq!(message, "retry: max_attempts is 0, but must be at least 1");
    }
}
