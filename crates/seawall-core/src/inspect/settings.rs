//! The settings of a policy as values.

use std::fmt;
use std::time::Duration;

/// The settings of a policy, in the order in which its builder documents them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(Vec<Setting>);

/// One setting: the name of the builder's setter, and its value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Setting {
    /// The name of the setter.
    pub field: &'static str,
    /// The value in force.
    pub value: Value,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A whole number.
    Count(u64),
    /// A number.
    Number(f64),
    /// A time.
    Time(Duration),
    /// A share: 0 to 1.
    Share(f64),
    /// A switch.
    Flag(bool),
    /// Words.
    Text(String),
    /// A time that never comes, or a limit that does not exist.
    Never,
    /// Left out.
    Off,
    /// Code of the user's, which has no value to show.
    Code,
}

impl Settings {
    /// No settings.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// These settings and one more.
    #[must_use]
    pub fn with(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.0.push(Setting { field, value: value.into() });
        self
    }

    /// The value of `field`.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.iter().find(|it| it.field == field).map(|it| &it.value)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Setting> {
        self.0.iter()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'s> IntoIterator for &'s Settings {
    type Item = &'s Setting;
    type IntoIter = std::slice::Iter<'s, Setting>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<u32> for Value {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// [`Duration::MAX`] is [`Value::Never`].
impl From<Duration> for Value {
    fn from(time: Duration) -> Self {
        if time == Duration::MAX { Self::Never } else { Self::Time(time) }
    }
}

/// `None` is [`Value::Off`].
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Off, Into::into)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Time(time) => write!(f, "{time:?}"),
            Self::Share(share) => write!(f, "{}%", share * 100.0),
            Self::Flag(flag) => f.write_str(if *flag { "on" } else { "off" }),
            Self::Text(text) => f.write_str(text),
            Self::Never => f.write_str("never"),
            Self::Off => f.write_str("off"),
            Self::Code => f.write_str("by function"),
        }
    }
}

impl fmt::Display for Settings {
    /// `field value, field value`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, setting) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} {}", setting.field, setting.value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_keep_their_order_and_show_units() {
        let settings = Settings::new()
            .with("failure_rate", Value::Share(0.5))
            .with("open_wait", Duration::from_millis(200))
            .with("probes", 1_u32)
            .with("slow_calls", None::<Duration>)
            .with("timeout", Duration::MAX);
        let shown = "failure_rate 50%, open_wait 200ms, probes 1, slow_calls off, timeout never";
        assert_eq!(settings.to_string(), shown);
        assert_eq!(settings.get("probes"), Some(&Value::Count(1)));
        assert_eq!(settings.get("nothing"), None);
    }
}
