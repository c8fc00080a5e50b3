//! Digests by mail.
//!
//! ```no_run
//! use seawall_capture::digest::smtp::{Recipient, Smtp};
//! use seawall_capture::{Capture, Digester};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mail = Smtp::builder("mail.example.org")
//!     .credentials("alarms", std::env::var("MAIL_PASSWORD")?)
//!     .from("Alarms <alarms@example.org>")
//!     .to("ann@example.org")
//!     .to(Recipient::group(["bob@example.org", "eve@example.org"]).of_key("billing"))
//!     .build()?;
//! let digester = Digester::builder().build()?;
//! let capture = Capture::builder().service("billing").observer(digester.clone()).build()?;
//! digester.run(&mail).await;
//! # Ok(())
//! # }
//! ```
//!
//! # What arrives
//!
//! A mail with a text and an HTML part, in the words of [`Templates`]. Each [`Recipient`] gets a
//! message of its own, in which nobody else is named, unless it was declared as a group.
//!
//! A resend is the same message to the byte: the `Message-ID` and everything else are made of the
//! digest and the recipient. So mail programs that know the `Message-ID` show it once.
//!
//! # When it has arrived
//!
//! For an address it has, once the server answered 250 to the end of the message. Everything else
//! is no confirmation: the digest stays, and is sent again.
//!
#![doc = include_str!("smtp/states.svg")]
//!
//! - A digest is confirmed when no address is pending and at least one has confirmed. What some
//!   have confirmed is sent again to the others only, as long as this [`Smtp`] lives.
//! - If all refuse, the digest is kept and offered to all again, after the digester's backoff: a
//!   mailbox that is missing may be made.
//! - What the server refuses before it hears of a recipient (its greeting, the login, the sender)
//!   refuses the digest, and nobody is counted as refused.
//! - A server that confirms and dies before we hear of it gets the message twice.
//!
//! [`SmtpError::class`] tells what may help ([`Class::Transient`]) from what will not
//! ([`Class::Permanent`]).
//!
//! # Timeouts
//!
//! | what | default | why |
//! |---|---|---|
//! | [connect](SmtpBuilder::connect_timeout) | 10 s | resolving, connecting, TLS and greeting together |
//! | [command](SmtpBuilder::command_timeout) | 10 s | each of STARTTLS, login, sender, address, data |
//! | [message](SmtpBuilder::message_timeout) | 20 s | the server may look for viruses before it answers |
//! | [total](SmtpBuilder::total_timeout) | 25 s | below the [`send_timeout`](super::DigesterBuilder::send_timeout) of a digester |
//!
//! They are shorter than those of RFC 5321, which speaks of minutes: a mail server near by answers
//! at once or not at all. For one that is slow raise them, and the digester's `send_timeout` above
//! the total. After an answer that came too late the message arrives twice.
//!
//! # Traps
//!
//! - TLS from the start, on port 465, is the default, as RFC 8314 advises. The authorities are those that
//!   the machine trusts; a container without `ca-certificates` trusts nobody.
//! - A digest whose key no recipient takes is refused as permanent, and kept: give one recipient no
//!   key.
//! - Digests are merged where too many wait. What some had confirmed before is in it once more.
//! - The 64 digests that were last sent in part are remembered. Of older ones everybody gets a
//!   copy again.
//! - The mail server is trusted with the mail, and with our memory: an answer that is a line without
//!   an end is read until its time is over.
//!
//! # What is not here
//!
//! DKIM (the mail server signs), addresses outside of ASCII (write a domain in its `xn--` form),
//! attachments, OAuth, a pool of connections: a digest comes every few minutes.
//!
//! [`Class::Transient`]: seawall_core::Class::Transient
//! [`Class::Permanent`]: seawall_core::Class::Permanent

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use lettre::Address;
use lettre::message::Mailbox;
use parking_lot::Mutex;
use tokio::time::timeout;

use self::error::Failure;
use self::progress::{Outcome, Progress};
use self::recipient::Mailboxes;
use self::session::{Server, Session};
use super::{Digest, Rendered, Sink, SinkFuture, Templates};

pub use config::SmtpBuilder;
pub use error::{Phase, SmtpError};
pub use recipient::Recipient;

mod config;
mod error;
mod message;
mod progress;
mod recipient;
mod session;

/// Sends digests by mail. Clones share it. See [the module](self).
#[derive(Clone)]
pub struct Smtp(Arc<Inner>);

struct Inner {
    server: Server,
    from: Mailbox,
    recipients: Vec<Mailboxes>,
    templates: Templates,
    progress: Mutex<Progress>,
    counts: Counts,
    last_refusal: Mutex<Option<SmtpError>>,
    /// The recipient to begin with, another one each time: a recipient that takes all the time does not
    /// starve the others.
    turn: AtomicUsize,
}

#[derive(Default)]
struct Counts {
    confirmed: AtomicU64,
    refused: AtomicU64,
    fallbacks: AtomicU64,
}

/// What a mailer counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SmtpCounts {
    /// Copies that the server confirmed, one for each address.
    pub confirmed: u64,
    /// Copies that it refused for good.
    pub refused: u64,
    /// Digests that were sent in the built-in words because a template failed; each sending counts.
    pub fallbacks: u64,
}

impl Smtp {
    /// A builder for a mailer that sends by way of `host`.
    pub fn builder(host: impl Into<String>) -> SmtpBuilder {
        SmtpBuilder::new(host.into())
    }

    /// What it counted.
    pub fn counts(&self) -> SmtpCounts {
        let Counts { confirmed, refused, fallbacks } = &self.0.counts;
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SmtpCounts {
            confirmed: load(confirmed),
            refused: load(refused),
            fallbacks: load(fallbacks),
        }
    }

    /// The last refusal of an address or of a message to it: that of a digest which others have
    /// confirmed is seen nowhere else.
    pub fn last_refusal(&self) -> Option<SmtpError> {
        self.0.last_refusal.lock().clone()
    }
}

impl Inner {
    async fn send(&self, digest: &Digest) -> Result<(), SmtpError> {
        let limit = self.server.timeouts.total;
        let mut session = None;
        let Ok(delivered) = timeout(limit, self.deliver(digest, &mut session)).await else {
            // In the middle of something: no place for a goodbye.
            return Err(SmtpError::too_late(Phase::Total, limit));
        };
        // What is settled is noted: a server that does not say goodbye, or a caller that does not
        // wait for it, changes nothing.
        if let Some(session) = session {
            session.quit().await;
        }
        delivered?;
        if self.progress.lock().finish(&digest.id) {
            return Ok(());
        }
        let refusal = self.last_refusal.lock().clone();
        Err(refusal.unwrap_or_else(|| SmtpError::nobody(&digest.key)))
    }

    /// Sends to those who are pending. Fails if some of them still are.
    async fn deliver(
        &self,
        digest: &Digest,
        session: &mut Option<Session>,
    ) -> Result<(), SmtpError> {
        let mut concerned: Vec<_> =
            self.recipients.iter().filter(|recipient| recipient.takes(&digest.key)).collect();
        if concerned.is_empty() {
            return Err(SmtpError::nobody(&digest.key));
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % concerned.len();
        concerned.rotate_left(turn);
        let rendered = self.render(digest);
        let mut later = None;
        for recipient in concerned {
            match self.offer(recipient, digest, &rendered, session).await {
                Ok(None) => {}
                Ok(postponed) => later = postponed,
                Err(Failure::Letter(error)) => {
                    // The next gets a connection of its own.
                    *session = None;
                    later = Some(error);
                }
                Err(Failure::Server(error)) => return Err(error),
            }
        }
        later.map_or(Ok(()), Err)
    }

    fn render(&self, digest: &Digest) -> Rendered {
        let rendered = self.templates.render(digest);
        if rendered.failed.is_some() {
            self.counts.fallbacks.fetch_add(1, Ordering::Relaxed);
        }
        rendered
    }

    /// Offers the digest to those of `recipient` that are pending. Gives why one of them is to be
    /// asked again, if one is.
    async fn offer(
        &self,
        recipient: &Mailboxes,
        digest: &Digest,
        rendered: &Rendered,
        session: &mut Option<Session>,
    ) -> Result<Option<SmtpError>, Failure> {
        let pending = self.progress.lock().pending(&digest.id, recipient);
        if pending.is_empty() {
            return Ok(None);
        }
        let message = message::compose(&self.from, recipient, digest, rendered)?;
        let session = match session {
            Some(session) => session,
            none => none.insert(Session::open(&self.server).await.map_err(Failure::Server)?),
        };
        let addresses: Vec<&Address> =
            pending.iter().map(|member| &recipient.members[*member].email).collect();
        let verdicts = session.transact(&self.from.email, &addresses, &message).await?;
        let mut later = None;
        for (member, verdict) in pending.into_iter().zip(verdicts) {
            match verdict {
                Ok(()) => self.settle(digest, recipient, member, Outcome::Confirmed),
                Err(error) if error.is_permanent() => {
                    *self.last_refusal.lock() = Some(error);
                    self.settle(digest, recipient, member, Outcome::Refused);
                }
                Err(error) => later = Some(error),
            }
        }
        Ok(later)
    }

    fn settle(&self, digest: &Digest, recipient: &Mailboxes, member: usize, outcome: Outcome) {
        let count = match outcome {
            Outcome::Confirmed => &self.counts.confirmed,
            Outcome::Refused => &self.counts.refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.progress.lock().settle(&digest.id, recipient, member, outcome);
    }
}

impl Sink for Smtp {
    /// The error is an [`SmtpError`], which `downcast_ref` finds.
    fn send<'a>(&'a self, digest: &'a Digest) -> SinkFuture<'a> {
        Box::pin(async { Ok(self.0.send(digest).await?) })
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp")
            .field("server", &self.0.server)
            .field("from", &self.0.from.to_string())
            .field("recipients", &self.0.recipients.len())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
