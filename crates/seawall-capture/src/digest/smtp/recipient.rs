//! Recipients and the keys that they take.

use lettre::message::Mailbox;
use seawall_core::{Check, ConfigError};

/// The receivers of a message: one address, or a group whose members see each other.
///
/// ```
/// use seawall_capture::digest::smtp::Recipient;
///
/// let ann = Recipient::from("Ann <ann@example.org>");
/// let payments = Recipient::group(["bob@example.org", "eve@example.org"]).of_key("payments");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Recipient {
    addresses: Vec<String>,
    keys: Vec<String>,
}

impl Recipient {
    /// `addresses`, which get one message that names all of them.
    pub fn group<A: Into<String>>(addresses: impl IntoIterator<Item = A>) -> Self {
        Self { addresses: addresses.into_iter().map(Into::into).collect(), keys: Vec::new() }
    }

    /// Gets digests of `key` only, and of other keys that are given like this. Without any it gets
    /// them all.
    pub fn of_key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }
}

impl From<&str> for Recipient {
    fn from(address: &str) -> Self {
        Self::group([address])
    }
}

impl From<String> for Recipient {
    fn from(address: String) -> Self {
        Self::group([address])
    }
}

/// A recipient whose addresses are addresses.
#[derive(Debug)]
pub(super) struct Mailboxes {
    /// Its place among the recipients.
    pub(super) place: usize,
    pub(super) members: Vec<Mailbox>,
    keys: Vec<String>,
}

impl Mailboxes {
    pub(super) fn of(place: usize, of: &Recipient, check: Check) -> Result<Self, ConfigError> {
        check.that(!of.addresses.is_empty(), "to", "a group of nobody", "somebody")?;
        let parse = |address: &String| mailbox("to", address, check);
        let members = of.addresses.iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { place, members, keys: of.keys.clone() })
    }

    pub(super) fn takes(&self, key: &str) -> bool {
        self.keys.is_empty() || self.keys.iter().any(|taken| taken == key)
    }
}

/// `text` as one address, with or without a name.
pub(super) fn mailbox(
    field: &'static str,
    text: &str,
    check: Check,
) -> Result<Mailbox, ConfigError> {
    let refused = || {
        let allowed = "one address, as in `Ann <ann@example.org>`, in ASCII and on one line";
        ConfigError::new(
            seawall_core::PolicyKind::Capture,
            field,
            format_args!("{text:?}"),
            allowed,
        )
    };
    let text_is_one_line = !text.chars().any(char::is_control);
    check.that(text_is_one_line, field, format_args!("{text:?}"), "without control characters")?;
    let mailbox: Mailbox = text.parse().map_err(|_| refused())?;
    let address: &str = mailbox.email.as_ref();
    // Whatever follows the first address would be left out without a word.
    let whole = text.trim_end().trim_end_matches('>').trim_end().ends_with(address);
    if whole && address.is_ascii() { Ok(mailbox) } else { Err(refused()) }
}
