//! An HTTP server that shuts down without a lost request.
//!
//! ```sh
//! cargo run --example http_shutdown 127.0.0.1:8080
//! curl -i 'localhost:8080/work?ms=3000'   # in one terminal: takes three seconds
//! curl -N localhost:8080/events           # in another: a stream without end
//! kill -TERM "$(pgrep -f http_shutdown)"  # in a third; or ctrl-c, and once more to force it
//! ```
//!
//! On the signal `/ready` answers 503 at once, so that balancers look elsewhere, while requests are
//! still served. After the drain delay new requests get 503 with `Retry-After` and
//! `Connection: close`, idle connections are closed and event streams end; requests in flight get
//! their answers. The listener closes when nothing is in flight, and the report says how it went.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use seawall::Shutdown;
use seawall::shutdown::{OwnedInFlightGuard, Phase, Signal, Step};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Interval, interval, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The time that a client has to send its request, so that a client that sends none holds up nothing.
const HEADERS_WITHIN: Duration = Duration::from_secs(5);

fn main() -> anyhow::Result<ExitCode> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let drain_delay = args.next().map_or(Ok(2_000), |text| text.parse())?;
    let address: SocketAddr = address.parse()?;

    // Before anything else: a signal that comes during the start is not lost.
    let shutdown = Shutdown::builder()
        .name("http")
        .grace_period(Duration::from_secs(10))
        .drain_delay(Duration::from_millis(drain_delay))
        .signals(Signal::TERMINATION)
        .step(Phase::FLUSH, Step::new("access log", async || println!("access log flushed")))
        .build()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = shutdown.clone().supervise(runtime, listen(shutdown, address))?;
    println!("{report}");
    Ok(ExitCode::from(report.exit_code()))
}

/// Accepts connections until intake has stopped and nothing is in flight any more.
async fn listen(shutdown: Shutdown, address: SocketAddr) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    let intake = shutdown.intake_token();
    let mut drained = pin!(async {
        intake.cancelled().await;
        shutdown.in_flight().drained().await;
    });
    loop {
        tokio::select! {
            () = &mut drained => return Ok(()),
            accepted = listener.accept() => {
                // A failure to accept one (out of file descriptors, say) is not the listener's end.
                let Ok((stream, _)) = accepted else { continue };
                let connection = connection(shutdown.clone(), stream);
                // Refused only when the drain is over: then no client waits for an answer.
                drop(shutdown.spawn("connection", |_| connection));
            }
        }
    }
}

async fn connection(shutdown: Shutdown, stream: TcpStream) {
    let intake = shutdown.intake_token();
    let service = service_fn(|request| answer(shutdown.clone(), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    let late = intake.is_cancelled();
    tokio::select! {
        // An error means that the client has gone.
        _ = served.as_mut() => return,
        () = intake.cancelled(), if !late => {}
        // A client that comes after intake has stopped gets an answer, unless it sends nothing.
        () = shutdown.in_flight().drained(), if late => return,
    }
    // Ends idle connections now, others after their current request.
    served.as_mut().graceful_shutdown();
    drop(served.await);
}

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

async fn answer(shutdown: Shutdown, request: Request<Incoming>) -> Result<Answer, Infallible> {
    // Probes are answered until the end, and don't count as requests in flight.
    if request.uri().path() == "/ready" {
        let ready = shutdown.readiness().is_ready();
        return Ok(if ready { text(StatusCode::OK, "ready\n") } else { unavailable() });
    }
    let Ok(guard) = shutdown.in_flight().try_acquire_owned() else {
        return Ok(unavailable());
    };
    Ok(match request.uri().path() {
        "/work" => {
            sleep(Duration::from_millis(wanted_millis(&request))).await;
            counted(StatusCode::OK, "done\n", guard)
        }
        // A stream has no end of its own. It is not counted among the requests that the drain
        // waits for; it ends when intake stops.
        "/events" => {
            drop(guard);
            events(shutdown.intake_token())
        }
        _ => counted(StatusCode::NOT_FOUND, "not here\n", guard),
    })
}

fn wanted_millis(request: &Request<Incoming>) -> u64 {
    let query = request.uri().query().unwrap_or_default();
    query.strip_prefix("ms=").and_then(|ms| ms.parse().ok()).unwrap_or(0)
}

fn respond<B>(status: StatusCode, body: B) -> Answer
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let mut answer = Response::new(UnsyncBoxBody::new(body));
    *answer.status_mut() = status;
    answer
}

fn text(status: StatusCode, body: &'static str) -> Answer {
    respond(status, Full::from(body))
}

/// The request is in flight until its answer has been written, so the guard is in its body.
fn counted(status: StatusCode, body: &'static str, guard: OwnedInFlightGuard) -> Answer {
    respond(status, Counted { body: Full::from(body), _guard: guard })
}

fn unavailable() -> Answer {
    let mut answer = text(StatusCode::SERVICE_UNAVAILABLE, "shutting down\n");
    let headers = answer.headers_mut();
    headers.insert(RETRY_AFTER, 1.into());
    headers.insert(CONNECTION, hyper::header::HeaderValue::from_static("close"));
    answer
}

fn events(stop: CancellationToken) -> Answer {
    let body = Events {
        beat: interval(Duration::from_millis(500)),
        stop: Box::pin(stop.cancelled_owned()),
    };
    let mut answer = respond(StatusCode::OK, body);
    let kind = hyper::header::HeaderValue::from_static("text/event-stream");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

struct Counted {
    body: Full<Bytes>,
    _guard: OwnedInFlightGuard,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// An event every half second, until `stop` is cancelled.
struct Events {
    beat: Interval,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        ready!(self.beat.poll_tick(cx));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"data: still here\n\n")))))
    }
}
