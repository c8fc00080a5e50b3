//! Names of policies.

use std::fmt;
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
    Arc<Box<str>>,
);

impl Name {
    /// The longest name that `build()` accepts, in bytes: names become metric labels.
    pub const MAX_LEN: usize = 256;

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
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
        Self(Arc::new(text.into()))
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self(Arc::new(text.into()))
    }
}

impl From<Arc<str>> for Name {
    fn from(text: Arc<str>) -> Self {
        Self(Arc::new((&*text).into()))
    }
}

impl From<&Name> for Name {
    fn from(name: &Name) -> Self {
        name.clone()
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}
