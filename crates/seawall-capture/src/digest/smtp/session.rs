//! The conversation with a mail server.

use std::fmt;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::time::timeout;

use super::error::{Failure, Phase, SmtpError};

/// How long a server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Where a conversation is, and how.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) credentials: Option<Credentials>,
    pub(super) hello: ClientId,
    pub(super) timeouts: Timeouts,
}

/// How it is kept from others.
#[derive(Clone)]
pub(super) enum Security {
    Implicit(TlsParameters),
    StartTls(TlsParameters),
    None,
}

/// How long each part of it may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) command: Duration,
    pub(super) message: Duration,
    pub(super) total: Duration,
}

impl fmt::Debug for Server {
    /// Without the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let security = match self.security {
            Security::Implicit(_) => "TLS",
            Security::StartTls(_) => "STARTTLS",
            Security::None => "none",
        };
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &security)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// One conversation.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    timeouts: Timeouts,
    /// Whether a message was begun that was never sent.
    begun: bool,
}

/// What came of one address.
type Verdict = Result<(), SmtpError>;

impl Session {
    pub(super) async fn open(server: &Server) -> Result<Self, SmtpError> {
        let Server { host, port, security, credentials, hello, timeouts } = server;
        let (tls, start_tls) = match security {
            Security::Implicit(tls) => (Some(tls.clone()), None),
            Security::StartTls(tls) => (None, Some(tls.clone())),
            Security::None => (None, None),
        };
        let address = (host.as_str(), *port);
        let connect = AsyncSmtpConnection::connect_tokio1(address, None, hello, tls, None);
        let mut connection = within(timeouts.connect, Phase::Connect, connect).await?;
        if let Some(tls) = start_tls {
            let start = connection.starttls(tls, hello);
            within(timeouts.command, Phase::StartTls, start).await?;
        }
        if let Some(credentials) = credentials {
            let login = connection.auth(DEFAULT_MECHANISMS, credentials);
            let answer = within(timeouts.command, Phase::Login, login).await?;
            expect(&[235], Phase::Login, &answer)?;
        }
        Ok(Self { connection, timeouts: *timeouts, begun: false })
    }

    /// Offers `message` to the addresses `to`. Gives what came of each.
    pub(super) async fn transact(
        &mut self,
        from: &Address,
        to: &[&Address],
        message: &[u8],
    ) -> Result<Vec<Verdict>, Failure> {
        if self.begun {
            self.say(Phase::Sender, Rset, &[250]).await?.map_err(Failure::Server)?;
        }
        self.begun = true;
        let sender = Mail::new(Some(from.clone()), Vec::new());
        self.say(Phase::Sender, sender, &[250]).await?.map_err(Failure::Server)?;
        let mut verdicts = Vec::with_capacity(to.len());
        for address in to {
            let recipient = Rcpt::new((*address).clone(), Vec::new());
            // 251: it will forward it.
            verdicts.push(self.say(Phase::Address, recipient, &[250, 251]).await?);
        }
        if verdicts.iter().any(Result::is_ok)
            && let Err(error) = self.message(message).await?
        {
            for verdict in verdicts.iter_mut().filter(|verdict| verdict.is_ok()) {
                *verdict = Err(error.clone());
            }
        }
        Ok(verdicts)
    }

    async fn message(&mut self, message: &[u8]) -> Result<Verdict, Failure> {
        if let Err(refused) = self.say(Phase::Data, Data, &[354]).await? {
            return Ok(Err(refused));
        }
        let sending = self.connection.message(message);
        let answer = within(self.timeouts.message, Phase::Message, sending).await;
        self.begun = false;
        answered(Phase::Message, &[250], answer)
    }

    /// Says `command`, and hears whether the server answers one of `codes`. Fails if it does not
    /// answer.
    async fn say(
        &mut self,
        phase: Phase,
        command: impl fmt::Display,
        codes: &[u16],
    ) -> Result<Verdict, Failure> {
        let said = self.connection.command(command);
        answered(phase, codes, within(self.timeouts.command, phase, said).await)
    }

    pub(super) async fn quit(mut self) {
        // Whatever comes of it.
        let _ = timeout(GOODBYE.min(self.timeouts.command), self.connection.command(Quit)).await;
    }
}

/// An answer is a verdict; none is a failure.
fn answered(
    phase: Phase,
    codes: &[u16],
    answer: Result<Response, SmtpError>,
) -> Result<Verdict, Failure> {
    match answer {
        Ok(response) => Ok(expect(codes, phase, &response)),
        Err(error) if error.code.is_some() => Ok(Err(error)),
        Err(error) => Err(Failure::Letter(error)),
    }
}

/// Nothing but a code that is due counts as yes: an answer that was meant for something else, or
/// that somebody in between put there, confirms nothing.
fn expect(codes: &[u16], phase: Phase, response: &Response) -> Verdict {
    let due = codes.contains(&response.code().into());
    if due { Ok(()) } else { Err(SmtpError::unexpected(phase, response)) }
}

async fn within<T>(
    limit: Duration,
    phase: Phase,
    said: impl Future<Output = Result<T, Error>>,
) -> Result<T, SmtpError> {
    match timeout(limit, said).await {
        Ok(answer) => answer.map_err(|error| SmtpError::of(phase, &error)),
        Err(_) => Err(SmtpError::too_late(phase, limit)),
    }
}
