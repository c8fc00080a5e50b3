//! One connection, from its first byte to its last answer.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use seawall::Shutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::service::{Connected, Faultless, Gate};
use super::streams::StreamExecutor;
use super::watched::{Activity, Watched};
use super::{Limits, Server, defaults};
use crate::{HoldLayer, RespondLayer};

pub(super) async fn serve<S, B, Io>(server: Server<S>, io: Io, peer: Option<SocketAddr>)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
    S: Send + Sync + 'static,
    S::Future: Send,
    B: Body<Data: From<String> + Send, Error: std::error::Error + Send + Sync> + Send + 'static,
    Io: AsyncRead + AsyncWrite + Send + 'static,
{
    let Server { service, shutdown, limits, .. } = server;
    let activity = Arc::new(Activity::default());
    let intake = shutdown.intake_token();
    let gate = Gate {
        shutdown: shutdown.clone(),
        activity: Arc::clone(&activity),
        is_late: intake.is_cancelled(),
    };
    let inner = RespondLayer::new().layer(HoldLayer::new(gate).layer(Faultless(service)));
    let service =
        Connected { inner, shutdown: shutdown.clone(), activity: Arc::clone(&activity), peer };
    let io =
        Watched::new(Box::pin(io), Arc::clone(&activity), limits.head_within, limits.stalled_after);
    let builder = builder(limits);
    let service = TowerToHyperService::new(service);
    let mut answers = pin!(builder.serve_connection_with_upgrades(TokioIo::new(io), service));
    tokio::select! {
        // An error means that the client has gone, or was too slow.
        _ = answers.as_mut() => return,
        () = intake.cancelled() => {}
    }
    tokio::select! {
        _ = answers.as_mut() => return,
        () = request_on_its_way(&activity) => {}
        () = nobody_comes(&shutdown, &activity) => return,
    }
    // Idle connections end now, others after their current answers.
    answers.as_mut().graceful_shutdown();
    drop(answers.await);
}

/// A connection that waits for a request, or has a part of its head, is kept until the request is there.
/// Its answer says that the connection ends.
async fn request_on_its_way(activity: &Activity) {
    if activity.awaits_request() {
        activity.next_request().await;
    }
}

/// Over when nothing is in flight, so that a client that sends nothing holds up no drain.
async fn nobody_comes(shutdown: &Shutdown, activity: &Activity) {
    shutdown.in_flight().drained().await;
    if activity.in_head() {
        pending::<()>().await;
    }
}

fn builder(limits: Limits) -> Builder<StreamExecutor> {
    let streams = StreamExecutor { stalled_after: limits.stalled_after };
    let mut builder = Builder::new(streams);
    // hyper's timeout of a head begins when the last answer has ended. Later than any instant is never.
    let idle_for = Instant::now().checked_add(limits.idle_for).map(|_| limits.idle_for);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(idle_for);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(defaults::MAX_STREAMS)
        .keep_alive_interval(defaults::PING_EVERY)
        .keep_alive_timeout(defaults::PING_EVERY);
    builder
}
