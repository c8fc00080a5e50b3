//! Names of policies.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The name of a policy or pipeline: the same in errors, events, metrics and descriptions.
///
/// Cloning shares the text. An empty name is refused by `build()`, not here, so that the
/// [`ConfigError`](crate::ConfigError) can say which policy it was meant for.
///
/// ```
/// use seawall_core::Name;
///
/// let name = Name::from("inventory");
/// assert_eq!(name.as_str(), "inventory");
/// assert_eq!(name.to_string(), "inventory");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(
    // One word, where an `Arc<str>` is two: it is in every error.
    Arc<Text>,
);

struct Text {
    text: Box<str>,
    /// In an error of a policy that ran out of time: whose limit it was. Here, because an error has no
    /// room for a second name, and few need one.
    time_limit: Option<Name>,
}

impl Name {
    /// The longest name that `build()` accepts, in bytes: names become metric labels.
    pub const MAX_LEN: usize = 256;

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// This name in an error of a policy that ran out of the time of `limit`. It is equal to this one.
    pub(crate) fn in_time_of(&self, limit: &Name) -> Self {
        Self(Arc::new(Text { text: self.0.text.clone(), time_limit: Some(limit.clone()) }))
    }

    /// Whose limit it was, in an error of a policy that ran out of time.
    pub(crate) fn time_limit(&self) -> Option<&Name> {
        self.0.time_limit.as_ref()
    }

    /// The name of the policy of `key` in a set of this name: `name[key]`, cut off at
    /// [`MAX_LEN`](Self::MAX_LEN) bytes, between two characters.
    ///
    /// Keys come from outside, and names go into logs: whatever a terminal or the reader of a log could
    /// take for something else is escaped, as in a string literal of Rust.
    ///
    /// ```
    /// let hosts = seawall_core::Name::from("hosts");
    /// assert_eq!(hosts.for_key("db-1").as_str(), "hosts[db-1]");
    /// assert_eq!(hosts.for_key("a\nERROR").as_str(), r"hosts[a\nERROR]");
    /// ```
    #[must_use]
    pub fn for_key(&self, key: impl fmt::Display) -> Self {
        let mut name = format!("{self}[{}]", key.to_string().escape_debug());
        name.truncate(name.floor_char_boundary(Self::MAX_LEN));
        name.into()
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(Arc::new(Text { text: text.into(), time_limit: None }))
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self(Arc::new(Text { text: text.into(), time_limit: None }))
    }
}

impl From<Arc<str>> for Name {
    fn from(text: Arc<str>) -> Self {
        (&*text).into()
    }
}

impl From<&Name> for Name {
    fn from(name: &Name) -> Self {
        name.clone()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}
