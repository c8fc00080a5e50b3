//! A service whose failures are mailed to those who run it, many in one message.
//!
//! ```text
//! MAIL_HOST=mail.example.org MAIL_FROM=alarms@example.org MAIL_TO=ann@example.org \
//! MAIL_USER=alarms MAIL_PASSWORD=... cargo run --example mail_digest --features smtp
//! ```
//!
//! Without `MAIL_HOST` the digest goes to standard output.

use std::env::{self, VarError};
use std::error::Error;
use std::io;
use std::time::Duration;

use seawall_capture::digest::smtp::Smtp;
use seawall_capture::digest::{Sink, Templates, TextLines};
use seawall_capture::{Capture, Digester, Draft, Severity};

/// How long the last digest may take when the service ends: less than what the system gives it.
const LAST: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let sink: Box<dyn Sink> = match env::var("MAIL_HOST") {
        Ok(host) => Box::new(mail(&host)?),
        Err(VarError::NotPresent) => Box::new(TextLines::new(io::stdout())),
        Err(error) => return Err(error.into()),
    };
    let digester = Digester::builder().build()?;
    let capture = Capture::builder()
        .service("billing")
        .version(env!("CARGO_PKG_VERSION"))
        .environment("production")
        .observer(digester.clone())
        .build()?;

    // Sends what is due while the service works, until it is done.
    tokio::select! {
        () = digester.run(&*sink) => {}
        () = work(&capture) => {}
    }

    // Whatever was not sent yet goes now, or is left with us.
    let closed = digester.close(&*sink, LAST).await;
    for digest in &closed.left {
        eprintln!("not sent: {}", digest.text(1024));
    }
    if closed.left.is_empty() { Ok(()) } else { Err("digests are left".into()) }
}

/// How digests are mailed.
fn mail(host: &str) -> Result<Smtp, Box<dyn Error>> {
    let templates = Templates::builder()
        .subject("[{{ key }}]{% if new_groups %} NEW{% endif %} {{ count }} failures")
        .build()?;
    let mut mail = Smtp::builder(host)
        .from(env::var("MAIL_FROM")?)
        .to(env::var("MAIL_TO")?)
        .templates(templates);
    if let Ok(user) = env::var("MAIL_USER") {
        mail = mail.credentials(user, env::var("MAIL_PASSWORD")?);
    }
    Ok(mail.build()?)
}

/// What the service does, and what becomes of it.
async fn work(capture: &Capture) {
    for invoice in ["4711", "4712", "47-13", "4714", "47 15"] {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if let Err(error) = invoice.parse::<u32>() {
            capture.error(&error);
        }
    }
    capture.record(Draft::new("NoPaper", "printer 3 is out of paper").severity(Severity::Low));
}
