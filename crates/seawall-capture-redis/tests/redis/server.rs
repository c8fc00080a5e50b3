//! A Redis server of a test's own: started on a socket in a directory of its own, stopped with it.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use redis::{Client, Connection, FromRedisValue};
use seawall_capture::store::Totals;
use seawall_capture::{Capture, Draft, Record, Store};
use seawall_capture_redis::{RedisStore, RedisStoreBuilder};

/// How long anything may take that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    child: Child,
    directory: PathBuf,
    options: Vec<String>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Server {
    /// A server that keeps nothing on disk, or `None`, said loudly, where there is none to start.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&["--save", "", "--appendonly", "no"])
    }

    /// A server that has everything on disk before it answers.
    pub(crate) fn durable() -> Option<Self> {
        Self::start_with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    pub(crate) fn start_with(options: &[&str]) -> Option<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("seawall-redis-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let Some(child) = launch(&directory, &options) else {
            // Past the capture of the test's output.
            let _ = writeln!(
                std::io::stderr().lock(),
                "\n*** NOT TESTED: there is no redis-server here; install it to run the tests of \
                 seawall-capture-redis ***\n",
            );
            std::fs::remove_dir_all(&directory).unwrap();
            return None;
        };
        let mut server = Self { child, directory, options };
        server.until_it_answers();
        Some(server)
    }

    /// A node of a cluster, and its port.
    pub(crate) fn node() -> Option<(Self, u16)> {
        let (port, bus) = (free_port(), free_port());
        let (port_text, bus) = (port.to_string(), bus.to_string());
        let options = [
            ["--port", &port_text],
            ["--cluster-port", &bus],
            ["--cluster-enabled", "yes"],
            ["--bind", "127.0.0.1"],
        ];
        Some((Self::start_with(options.as_flattened())?, port))
    }

    /// Where it keeps its files.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    pub(crate) fn address(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// A store that waits for a busy machine.
    pub(crate) fn builder(&self) -> RedisStoreBuilder {
        let patient =
            RedisStoreBuilder::default_pipeline().timeout(PATIENCE).attempt_timeout(PATIENCE / 3);
        RedisStore::builder().address(&self.address()).pipeline(patient)
    }

    pub(crate) fn store(&self) -> RedisStore {
        self.builder().build().unwrap()
    }

    /// A connection of the test's own.
    pub(crate) fn admin(&self) -> Connection {
        Client::open(self.address()).unwrap().get_connection().unwrap()
    }

    pub(crate) fn run<T: FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut cmd = redis::cmd(words.next().unwrap());
        for word in words {
            cmd.arg(word);
        }
        cmd.query(&mut self.admin()).unwrap()
    }

    /// As if the power went.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        let _ = std::fs::remove_file(self.socket());
        self.child = launch(&self.directory, &self.options).unwrap();
        self.until_it_answers();
    }

    fn until_it_answers(&mut self) {
        until("the server answers", || {
            assert_eq!(self.child.try_wait().unwrap(), None, "the server does not start");
            let client = Client::open(self.address()).unwrap();
            let mut connection = client.get_connection().ok()?;
            redis::cmd("PING").query::<String>(&mut connection).ok()
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A port that nobody has, and that nobody is given soon.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn launch(directory: &Path, options: &[String]) -> Option<Child> {
    let socket = directory.join("socket");
    let launched = Command::new("redis-server")
        .args(["--port", "0", "--daemonize", "no", "--enable-debug-command", "yes"])
        .arg("--unixsocket")
        .arg(&socket)
        .arg("--dir")
        .arg(directory)
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match launched {
        Ok(child) => Some(child),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("redis-server does not start: {error}"),
    }
}

/// Asks until there is an answer. The only waiting in these tests: for another process.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "waited for this in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Like [`until`], for what has to be awaited.
pub(crate) async fn until_async<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "waited for this in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Hands over what was recorded, however often it takes.
pub(crate) async fn synced(store: &RedisStore) {
    until_async("the store is in step", async || store.sync().await.ok()).await;
}

pub(crate) async fn totals(store: &RedisStore) -> Totals {
    let totals = until_async("totals", async || Store::totals(store).await.ok()).await;
    assert!(totals.add_up(), "{totals:?}");
    totals
}

pub(crate) fn record(draft: Draft) -> Record {
    Capture::builder().service("s").host("h").build().unwrap().prepare(draft)
}

pub(crate) fn failure(name: &str) -> Record {
    record(Draft::new(name, "it broke").version("1.0.0"))
}
