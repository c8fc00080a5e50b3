//! The way to the server.

use std::fmt;

use parking_lot::Mutex;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, RedisError, ScriptInvocation};

/// Where the server is.
#[derive(Clone)]
pub(crate) enum Address {
    One(Box<Client>),
    #[cfg(feature = "cluster")]
    Cluster(Box<redis::cluster::ClusterClient>),
}

impl Address {
    pub(crate) fn one(url: &str) -> Result<Self, RedisError> {
        Ok(Self::One(Box::new(Client::open(url)?)))
    }

    #[cfg(feature = "cluster")]
    pub(crate) fn cluster<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Self, RedisError> {
        let nodes: Vec<&str> = urls.into_iter().collect();
        // Ours is the pipeline that tries again.
        let client = redis::cluster::ClusterClient::builder(nodes).retries(1).build()?;
        Ok(Self::Cluster(Box::new(client)))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address may hold a password.
        f.write_str("Address")
    }
}

/// One connection for all operations, made when the first of them needs it.
#[derive(Debug)]
pub(crate) struct Connection {
    address: Address,
    open: Mutex<Option<Open>>,
}

#[derive(Clone)]
enum Open {
    One(ConnectionManager),
    #[cfg(feature = "cluster")]
    Cluster(redis::cluster_async::ClusterConnection),
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

impl Connection {
    pub(crate) fn new(address: Address) -> Self {
        Self { address, open: Mutex::new(None) }
    }

    /// Runs a script; loads it first where the server does not have it.
    pub(crate) async fn invoke<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, RedisError> {
        match self.open()? {
            Open::One(mut connection) => script.invoke_async(&mut connection).await,
            #[cfg(feature = "cluster")]
            Open::Cluster(mut connection) => script.invoke_async(&mut connection).await,
        }
    }

    /// Gives the connection up. One whose other end fell silent is not known to be broken until
    /// TCP gives up, which takes a quarter of an hour.
    pub(crate) fn forget(&self) {
        *self.open.lock() = None;
    }

    fn open(&self) -> Result<Open, RedisError> {
        let mut open = self.open.lock();
        if let Some(open) = &*open {
            return Ok(open.clone());
        }
        let made = match &self.address {
            Address::One(client) => {
                // Timeouts and retries are the pipeline's.
                let config = ConnectionManagerConfig::new()
                    .set_number_of_retries(0)
                    .set_connection_timeout(None)
                    .set_response_timeout(None);
                Open::One(ConnectionManager::new_lazy_with_config(Client::clone(client), config)?)
            }
            #[cfg(feature = "cluster")]
            Address::Cluster(client) => {
                let config = redis::cluster::ClusterConfig::new();
                Open::Cluster(client.get_pending_async_connection_with_config(config))
            }
        };
        Ok(open.insert(made).clone())
    }
}
