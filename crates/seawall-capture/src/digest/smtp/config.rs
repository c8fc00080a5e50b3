//! How a mailer is built.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use parking_lot::Mutex;
use seawall_core::{Check, ConfigError, PolicyKind};

use super::progress::Progress;
use super::recipient::{Mailboxes, Recipient, mailbox};
use super::session::{Security, Server, Timeouts};
use super::{Counts, Inner, Smtp};
use crate::digest::Templates;

const CHECK: Check = Check::of(PolicyKind::Capture);

/// Builds an [`Smtp`].
///
/// | setting | default | why |
/// |---|---|---|
/// | security | TLS from the start | nothing to strip, as with STARTTLS |
/// | [`port`](Self::port) | 465; 587 with [`starttls`](Self::starttls), 25 [`in the clear`](Self::insecure_plaintext) | RFC 8314, RFC 6409, RFC 5321 |
/// | [`credentials`](Self::credentials) | none | |
/// | [`from`](Self::from), [`to`](Self::to) | must be given | |
/// | [`hello`](Self::hello) | `[127.0.0.1]` | a server that asks for a name can be given one |
/// | [`templates`](Self::templates) | the built-in words | |
/// | timeouts | 10 s to connect, 10 s a command, 20 s the message, 25 s in all | see [the module](super#timeouts) |
#[must_use = "a builder does nothing until `build` is called"]
pub struct SmtpBuilder {
    host: String,
    port: Option<u16>,
    kept: Kept,
    roots: Vec<Vec<u8>>,
    credentials: Option<Credentials>,
    from: String,
    to: Vec<Recipient>,
    hello: Option<String>,
    templates: Templates,
    timeouts: Timeouts,
}

/// How the conversation is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Implicit,
    StartTls,
    Not,
}

impl SmtpBuilder {
    pub(super) fn new(host: String) -> Self {
        Self {
            host,
            port: None,
            kept: Kept::Implicit,
            roots: Vec::new(),
            credentials: None,
            from: String::new(),
            to: Vec::new(),
            hello: None,
            templates: Templates::default(),
            timeouts: Timeouts {
                connect: Duration::from_secs(10),
                command: Duration::from_secs(10),
                message: Duration::from_secs(20),
                total: Duration::from_secs(25),
            },
        }
    }

    /// The port.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// TLS after STARTTLS, which is required: without it nothing is sent.
    pub fn starttls(mut self) -> Self {
        self.kept = Kept::StartTls;
        self
    }

    /// No TLS: anyone in between can read and change it all. For a relay on this machine.
    /// Refused together with credentials.
    pub fn insecure_plaintext(mut self) -> Self {
        self.kept = Kept::Not;
        self
    }

    /// A certificate, in PEM, to trust in addition to what the machine trusts. May be called more
    /// than once.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// The login, by `PLAIN` or `LOGIN`.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some(Credentials::new(user.into(), password.into()));
        self
    }

    /// The sender: one address, with or without a name. Its domain is in the `Message-ID`.
    pub fn from(mut self, address: impl Into<String>) -> Self {
        self.from = address.into();
        self
    }

    /// Somebody who gets a message of their own. May be called more than once.
    pub fn to(mut self, recipient: impl Into<Recipient>) -> Self {
        self.to.push(recipient.into());
        self
    }

    /// The name of this machine in the greeting.
    pub fn hello(mut self, name: impl Into<String>) -> Self {
        self.hello = Some(name.into());
        self
    }

    /// The words.
    pub fn templates(mut self, templates: Templates) -> Self {
        self.templates = templates;
        self
    }

    /// How long resolving, connecting, TLS and the greeting may take together. Above zero.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = timeout;
        self
    }

    /// How long the server may take for the answer to one command. Above zero.
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.command = timeout;
        self
    }

    /// How long one message may take, with the answer to it. Above zero.
    pub fn message_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.message = timeout;
        self
    }

    /// How long all of a digest may take, for all recipients. At least as long as each of the
    /// others.
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.total = timeout;
        self
    }

    /// Builds it. Reads the certificates that the machine trusts.
    pub fn build(self) -> Result<Smtp, ConfigError> {
        self.check()?;
        let from = mailbox("from", &self.from, CHECK)?;
        let recipients = self.to.iter().enumerate();
        let recipients = recipients
            .map(|(place, to)| Mailboxes::of(place, to, CHECK))
            .collect::<Result<_, _>>()?;
        let security = self.security()?;
        let port = self.port.unwrap_or(match self.kept {
            Kept::Implicit => 465,
            Kept::StartTls => 587,
            Kept::Not => 25,
        });
        let server = Server {
            host: self.host,
            port,
            security,
            credentials: self.credentials,
            hello: self.hello.map_or_else(ClientId::default, ClientId::Domain),
            timeouts: self.timeouts,
        };
        Ok(Smtp(Arc::new(Inner {
            server,
            from,
            recipients,
            templates: self.templates,
            progress: Mutex::new(Progress::default()),
            counts: Counts::default(),
            last_refusal: Mutex::new(None),
            turn: AtomicUsize::new(0),
        })))
    }

    fn check(&self) -> Result<(), ConfigError> {
        for (field, name) in [("host", Some(&self.host)), ("hello", self.hello.as_ref())] {
            let is_name = |name: &String| !name.is_empty() && name.chars().all(is_of_a_name);
            let holds = name.is_none_or(is_name);
            let name = name.map_or("", String::as_str);
            let allowed = "a name of letters, digits, `.`, `-`, `:`";
            CHECK.that(holds, field, format_args!("{name:?}"), allowed)?;
        }
        CHECK.that(!self.to.is_empty(), "to", "nobody", "somebody")?;
        let in_the_clear = self.kept == Kept::Not && self.credentials.is_some();
        CHECK.that(!in_the_clear, "credentials", "given", "absent without TLS")?;
        let Timeouts { connect, command, message, total } = self.timeouts;
        let phases = [
            ("connect_timeout", connect),
            ("command_timeout", command),
            ("message_timeout", message),
        ];
        for (field, timeout) in phases {
            CHECK.positive(field, timeout)?;
            let enough = total >= timeout;
            let allowed = "at least as long as each of its parts";
            CHECK.that(enough, "total_timeout", format_args!("{total:?}"), allowed)?;
        }
        Ok(())
    }

    fn security(&self) -> Result<Security, ConfigError> {
        let refused = |field, why: &dyn fmt::Display| {
            ConfigError::new(PolicyKind::Capture, field, why, "something to do TLS with")
        };
        if self.kept == Kept::Not {
            return Ok(Security::None);
        }
        let mut tls = TlsParameters::builder(self.host.clone());
        for pem in &self.roots {
            let is_pem = pem.windows(PEM.len()).any(|text| text == PEM);
            CHECK.that(is_pem, "root_certificate", "something else", "a certificate in PEM")?;
            let certificate = Certificate::from_pem(pem);
            let certificate = certificate.map_err(|error| refused("root_certificate", &error))?;
            tls = tls.add_root_certificate(certificate);
        }
        let tls = tls.build().map_err(|error| refused("root_certificate", &error))?;
        Ok(match self.kept {
            Kept::StartTls => Security::StartTls(tls),
            _ => Security::Implicit(tls),
        })
    }
}

const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// What a name or an address of a machine is made of; nothing that would end the line.
fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':')
}

impl fmt::Debug for SmtpBuilder {
    /// Without the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpBuilder")
            .field("host", &self.host)
            .field("security", &self.kept)
            .field("from", &self.from)
            .field("to", &self.to)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}
