//! What is written.

use std::time::{Duration, UNIX_EPOCH};

use lettre::Message;
use lettre::error::Error;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue,
};
use lettre::message::{Mailbox, MultiPart, MultiPartKind, SinglePart};

use super::recipient::Mailboxes;
use crate::digest::{Digest, Rendered};
use crate::fingerprint::{Fingerprint, hash};

/// `digest` as a message to `recipient`: to the byte the same, whenever it is made.
pub(super) fn compose(
    from: &Mailbox,
    recipient: &Mailboxes,
    digest: &Digest,
    rendered: &Rendered,
) -> Result<Vec<u8>, Error> {
    let sent = UNIX_EPOCH + Duration::from_millis(digest.to.as_millis().try_into().unwrap_or(0));
    let mut builder = Message::builder()
        .from(from.clone())
        .date(sent)
        .message_id(Some(message_id(from, recipient, digest)))
        .header(AutoSubmitted)
        .subject(unencoded(&rendered.subject));
    for member in &recipient.members {
        builder = builder.to(member.clone());
    }
    let text = part(ContentType::TEXT_PLAIN, &rendered.text);
    let message = match &rendered.html {
        None => builder.singlepart(text)?,
        Some(html) => {
            // A `=` followed by `_` is in nothing that is quoted-printable.
            let boundary = format!("=_{}", digest.id);
            let parts = MultiPart::builder().kind(MultiPartKind::Alternative).boundary(boundary);
            let html = part(ContentType::TEXT_HTML, html);
            builder.multipart(parts.singlepart(text).singlepart(html))?
        }
    };
    Ok(message.formatted())
}

/// `=?` begins a word that a mail program decodes, to line breaks and all: not in what we write.
fn unencoded(subject: &str) -> String {
    subject.replace("=?", "= ?")
}

/// ASCII whatever is in it, in short lines: no server can refuse it for its form.
fn part(content_type: ContentType, body: &str) -> SinglePart {
    SinglePart::builder()
        .header(content_type)
        .header(ContentTransferEncoding::QuotedPrintable)
        .body(body.to_owned())
}

/// Made of the digest and its recipient.
fn message_id(from: &Mailbox, recipient: &Mailboxes, digest: &Digest) -> String {
    let addresses: Vec<&str> = recipient.members.iter().map(|m| m.email.as_ref()).collect();
    let copy = Fingerprint::from_bits(hash(addresses.join(",").as_bytes()));
    format!("<{}.{copy}@{}>", digest.id, from.email.domain())
}

/// Nobody who is away answers it: RFC 3834.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}
