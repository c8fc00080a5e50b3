//! Access: tokens, or this machine.

use std::fmt;
use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};

/// Which callers may read, and which may change something.
#[derive(Clone)]
pub struct Access(Kind);

#[derive(Clone)]
enum Kind {
    Loopback,
    Tokens { read: String, write: String },
}

/// A token that is too short to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessError(());

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token is empty")
    }
}

impl std::error::Error for AccessError {}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Admitted,
    Unknown,
    Forbidden,
}

impl Access {
    /// Callers on this machine may do everything, all others nothing. A web page that is
    /// open in a browser on this machine is somebody else: a request whose `Origin` is not what it
    /// asks, or whose `Host` is not `localhost` or a loopback address, is refused.
    pub const fn loopback() -> Self {
        Self(Kind::Loopback)
    }

    /// Callers with the token `read` may read, callers with `write` may do everything. Refuses empty
    /// tokens.
    pub fn tokens(read: impl Into<String>, write: impl Into<String>) -> Result<Self, AccessError> {
        let (read, write) = (read.into(), write.into());
        if read.is_empty() || write.is_empty() {
            return Err(AccessError(()));
        }
        Ok(Self(Kind::Tokens { read, write }))
    }

    pub(super) fn admits(&self, sender: &Sender<'_>, reads: bool) -> Verdict {
        match &self.0 {
            Kind::Loopback if sender.is_here() && sender.is_no_foreign_page() => Verdict::Admitted,
            Kind::Loopback => Verdict::Forbidden,
            Kind::Tokens { read, write } => {
                let token = sender.authorization.and_then(bearer).unwrap_or_default();
                // Both are always compared, so that time does not tell which it was.
                let (may_read, may_write) = (same(token, read), same(token, write));
                match (may_read, may_write, reads) {
                    (_, true, _) | (true, _, true) => Verdict::Admitted,
                    (true, false, false) => Verdict::Forbidden,
                    (false, false, _) => Verdict::Unknown,
                }
            }
        }
    }
}

/// What a request says about its sender. A header that is no text counts as empty.
#[derive(Debug, Default)]
pub(super) struct Sender<'r> {
    pub(super) authorization: Option<&'r str>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) host: Option<&'r str>,
    pub(super) origin: Option<&'r str>,
}

impl Sender<'_> {
    fn is_here(&self) -> bool {
        self.peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
    }

    /// Browsers name the page that a request comes from, and the host of its address:
    /// the first keeps pages of others out, the second those whose name was made to point here.
    fn is_no_foreign_page(&self) -> bool {
        let same = |origin: &str| {
            let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            host.is_some() && host == self.host
        };
        self.host.is_none_or(is_loopback) && self.origin.is_none_or(same)
    }
}

/// Whether `host`, with or without a port, is this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let address = || name.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    name.eq_ignore_ascii_case("localhost") || address()
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares in a time that depends on the length of what was given alone.
fn same(given: &str, secret: &str) -> bool {
    let secret = secret.as_bytes();
    let mut difference = given.len() ^ secret.len();
    for (at, byte) in given.bytes().enumerate() {
        difference |= usize::from(byte ^ secret[at % secret.len()]);
        difference = black_box(difference);
    }
    difference == 0
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Loopback => "Access::loopback",
            Kind::Tokens { .. } => "Access::tokens",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn tokens_are_compared_whole() {
        for (given, holds) in [
            ("secret", true),
            ("", false),
            ("secre", false),
            ("secrets", false),
            ("secretsecret", false),
        ] {
            assert_eq!(same(given, "secret"), holds, "{given}");
        }
    }
}
