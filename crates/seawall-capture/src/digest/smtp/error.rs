//! Why a mail was not sent.

use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;
use seawall_core::Class;

use crate::digest::plain;
use crate::text::bounded;

/// The longest reason, in bytes.
const WHY: usize = 512;

/// Where in the conversation with a mail server something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Resolving, connecting, TLS from the start, the greeting, `EHLO`.
    Connect,
    /// `STARTTLS`, and the greeting after it.
    StartTls,
    /// The login.
    Login,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Address,
    /// `DATA`.
    Data,
    /// The message, and the answer to it.
    Message,
    /// All of it together.
    Total,
    /// Nothing was said yet: nobody is to get it, or it can't be written.
    Before,
}

impl Phase {
    /// The phase as words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::StartTls => "starting TLS",
            Self::Login => "logging in",
            Self::Sender => "naming the sender",
            Self::Address => "naming a recipient",
            Self::Data => "announcing the message",
            Self::Message => "sending the message",
            Self::Total => "sending all of it",
            Self::Before => "writing it",
        }
    }
}

/// Why a mail was not sent, or not to everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SmtpError {
    /// In the middle of what.
    pub phase: Phase,
    /// The code that the server answered, if it did.
    pub code: Option<u16>,
    /// What it said, or what happened: on one line, at most 512 bytes.
    pub why: String,
    permanent: bool,
}

impl SmtpError {
    /// [`Permanent`](Class::Permanent) where the server, or the configuration, refuses it for good;
    /// else [`Transient`](Class::Transient).
    pub const fn class(&self) -> Class {
        if self.permanent { Class::Permanent } else { Class::Transient }
    }

    pub(super) const fn is_permanent(&self) -> bool {
        self.permanent
    }

    fn new(phase: Phase, why: &str) -> Self {
        Self { phase, code: None, why: bounded(&plain(why), WHY), permanent: false }
    }

    pub(super) fn too_late(phase: Phase, limit: Duration) -> Self {
        Self::new(phase, &format!("no answer within {limit:?}"))
    }

    pub(super) fn of(phase: Phase, error: &Error) -> Self {
        let code = error.status().map(u16::from);
        // What the client refuses itself, such as a server without STARTTLS, it will refuse again.
        let permanent = error.is_permanent() || error.is_client();
        Self { code, permanent, ..Self::new(phase, &error.to_string()) }
    }

    /// An answer that is no refusal, and not the one that was due.
    pub(super) fn unexpected(phase: Phase, response: &Response) -> Self {
        let code = Some(u16::from(response.code()));
        Self { code, ..Self::new(phase, "an answer that does not belong here") }
    }

    pub(super) fn nobody(key: &str) -> Self {
        let why = format!("no recipient takes digests of '{key}'");
        Self { permanent: true, ..Self::new(Phase::Before, &why) }
    }

    pub(super) fn unwritable(error: &lettre::error::Error) -> Self {
        Self { permanent: true, ..Self::new(Phase::Before, &error.to_string()) }
    }
}

impl fmt::Display for SmtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.phase.as_str(), self.why)
    }
}

impl std::error::Error for SmtpError {}

/// How far a failure goes.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection broke in the middle of one message: another connection may do for others.
    Letter(SmtpError),
    /// It will be the same for all.
    Server(SmtpError),
}

impl From<lettre::error::Error> for Failure {
    fn from(error: lettre::error::Error) -> Self {
        Self::Server(SmtpError::unwritable(&error))
    }
}
