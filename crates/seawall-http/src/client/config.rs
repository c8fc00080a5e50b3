use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{redirect, retry};
use seawall::policy::Keyed;
use seawall::{ConfigError, Name, PolicyKind, StandardBuilder};

use super::Client;
use super::authority::{Change, Settings};
use crate::RequestOptions;

/// Builds a [`Client`].
#[must_use = "a builder does nothing before `build`"]
pub struct Builder {
    name: Name,
    change: Arc<Change>,
    options: RequestOptions,
    max_authorities: usize,
    http: Option<reqwest::Client>,
}

impl Builder {
    /// How many authorities have a pipeline unless another number is given: a service calls fewer, and
    /// a crawler shares what is beyond it.
    pub const DEFAULT_MAX_AUTHORITIES: usize = 1_000;

    /// How long a body may stand still: a minute. Where nothing has moved for that long, nothing will.
    pub const DEFAULT_BODY_IDLE: Duration = Duration::from_mins(1);

    pub(super) fn new(name: Name) -> Self {
        Self {
            name,
            change: Arc::new(|standard| standard),
            options: RequestOptions::new(),
            max_authorities: Self::DEFAULT_MAX_AUTHORITIES,
            http: None,
        }
    }

    /// Changes the standard pipeline: its timeouts, its listeners, the shutdown that it obeys. Called
    /// once for each authority. Whether a request may be repeated is for the
    /// [options](Self::options) to say.
    pub fn pipeline(
        mut self,
        change: impl Fn(StandardBuilder) -> StandardBuilder + Send + Sync + 'static,
    ) -> Self {
        self.change = Arc::new(change);
        self
    }

    /// What may be repeated, and how deadlines are passed on.
    pub fn options(mut self, options: RequestOptions) -> Self {
        self.options = options;
        self
    }

    /// How many authorities have a pipeline of their own, at least 1.
    pub const fn max_authorities(mut self, most: usize) -> Self {
        self.max_authorities = most;
        self
    }

    /// Sends through this client. Build it with `retry(reqwest::retry::never())`: attempts multiply
    /// otherwise.
    pub fn http(mut self, client: reqwest::Client) -> Self {
        self.http = Some(client);
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// Those of the pipeline, `max_authorities` of 0, and `http` where reqwest can't be set up.
    pub fn build(self) -> Result<Client, ConfigError> {
        let Self { name, change, options, max_authorities, http } = self;
        let http = match http {
            Some(http) => Ok(http),
            None => reqwest::Client::builder()
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .read_timeout(Self::DEFAULT_BODY_IDLE)
                .build(),
        };
        let http = http.map_err(|_| {
            let allowed = "a client that reqwest can set up";
            ConfigError::new(PolicyKind::Pipeline, "http", "refused by reqwest", allowed).of(&name)
        })?;
        let pipelines = Keyed::new(Settings { name, change }, max_authorities)?;
        Ok(Client { http, pipelines, options: Arc::new(options) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("name", &self.name).finish_non_exhaustive()
    }
}
