//! A real HTTP server that follows the script: it slows down, fails, dies, hangs, comes back.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use seawall::Random;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::scenario::{Fault, Scenario};
use crate::workshop::{Answer, Tally, Workshop};

/// Connections that the kernel holds until the server accepts them.
const BACKLOG: u32 = 1_024;

/// A server that holds its port, and does not listen before the script begins.
pub struct Server {
    scenario: Arc<Scenario>,
    random: Random,
    address: SocketAddr,
    port: TcpSocket,
    tally: Arc<Tally>,
}

impl Server {
    /// Takes a free port on the loopback interface.
    pub fn new(scenario: Arc<Scenario>, random: Random) -> io::Result<Self> {
        let port = hold(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = port.local_addr()?;
        let tally = Arc::default();
        Ok(Self { scenario, random, address, port, tally })
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    /// Follows the script, whose clock began at `start`; after its end stays as the last phase left
    /// it, until this future is dropped.
    pub async fn play(self, start: Instant) -> io::Result<Infallible> {
        let Self { scenario, random, address, port, tally } = self;
        let (script, fault) = watch::channel(Fault::Healthy);
        let open = |life| {
            let tally = Arc::clone(&tally);
            Workshop::open(&scenario.capacity, fault.clone(), random.clone(), life, tally)
        };
        let mut state = State::Down(port);
        for phase in &scenario.phases {
            script.send_replace(phase.fault);
            state = match (phase.fault, state) {
                (Fault::Refused, State::Up(process)) => {
                    process.die().await;
                    State::Down(hold(address)?)
                }
                (Fault::Refused, down) => down,
                (_, State::Down(port)) => State::Up(Process::start(port.listen(BACKLOG)?, open)),
                (_, up) => up,
            };
            sleep_until(start + phase.end).await;
        }
        std::future::pending().await
    }
}

enum State {
    Up(Process),
    /// The port is held, nobody listens.
    Down(TcpSocket),
}

/// Binds a port without listening on it: connections are refused, and no other process gets the port.
fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Connections of the server's last life linger in the kernel; the port can be bound all the same.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// One life of the server: its listener, its connections, its queue. Dropped, it dies.
struct Process {
    tasks: TaskTracker,
    life: DropGuard,
}

impl Process {
    fn start(listener: TcpListener, open: impl FnOnce(CancellationToken) -> Arc<Workshop>) -> Self {
        let life = CancellationToken::new();
        let tasks = TaskTracker::new();
        let accepting = accept(listener, open(life.clone()), life.clone(), tasks.clone());
        tasks.spawn(life.clone().run_until_cancelled_owned(accepting));
        Self { tasks, life: life.drop_guard() }
    }

    /// Ends like a killed process: nothing is finished, every connection breaks.
    async fn die(self) {
        drop(self.life);
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn accept(
    listener: TcpListener,
    shop: Arc<Workshop>,
    life: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, or a caller that left while it waited in the backlog.
            sleep(Duration::from_millis(5)).await;
            continue;
        };
        let connection = converse(stream, Arc::clone(&shop));
        tasks.spawn(life.clone().run_until_cancelled_owned(connection));
    }
}

/// Answers the requests of one connection, one after the other, until the caller hangs up.
async fn converse(stream: TcpStream, shop: Arc<Workshop>) {
    // Without it small answers wait for an acknowledgement. The server also works if this fails.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |_: Request<Incoming>| {
        let shop = Arc::clone(&shop);
        async move { Ok::<_, Infallible>(response(shop.serve().await)) }
    });
    // An error is a broken connection, which the script intends.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn response(answer: Answer) -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = match answer {
        Answer::Done => StatusCode::OK,
        Answer::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        Answer::Busy => StatusCode::SERVICE_UNAVAILABLE,
    };
    response
}
