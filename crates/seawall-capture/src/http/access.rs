//! Who may.

use std::fmt;
use std::hint::black_box;
use std::net::SocketAddr;

/// Who may read, and who may change something.
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
    /// Whoever comes from this machine may do everything, and nobody else anything.
    pub const fn loopback() -> Self {
        Self(Kind::Loopback)
    }

    /// Whoever has the token `read` may read, whoever has `write` may do everything. Refuses empty
    /// tokens.
    pub fn tokens(read: impl Into<String>, write: impl Into<String>) -> Result<Self, AccessError> {
        let (read, write) = (read.into(), write.into());
        if read.is_empty() || write.is_empty() {
            return Err(AccessError(()));
        }
        Ok(Self(Kind::Tokens { read, write }))
    }

    pub(super) fn admits(
        &self,
        header: Option<&str>,
        peer: Option<SocketAddr>,
        reads: bool,
    ) -> Verdict {
        match &self.0 {
            Kind::Loopback => {
                let here = peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
                if here { Verdict::Admitted } else { Verdict::Forbidden }
            }
            Kind::Tokens { read, write } => {
                let token = header.and_then(bearer).unwrap_or_default();
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
