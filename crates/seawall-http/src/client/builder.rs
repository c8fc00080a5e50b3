use std::fmt;
use std::sync::Arc;

use seawall::policy::Keyed;
use seawall::{ConfigError, Name, StandardBuilder};
use seawall_tower::replay::ReplayLayer;

use super::ClientLayer;
use super::authority::{Change, Settings};
use super::layer::Shared;
use crate::RequestOptions;

/// Builds a [`ClientLayer`], or a client that is made of one and what it sends `through`.
///
/// | setter | default | why |
/// |---|---|---|
/// | [`pipeline`](Self::pipeline) | the standard pipeline | see [`StandardBuilder`] |
/// | [`authority`](Self::authority) | as all | one that is slower, or that needs a circuit |
/// | [`options`](Self::options) | repeated by method | see [`RequestOptions`] |
/// | [`hedging`](Self::hedging) | off | a second request that is not needed is load |
/// | [`replay`](Self::replay) | 64 KiB a request, 64 MiB over all | see [`ReplayLayer`] |
/// | [`wait_for_body`](Self::wait_for_body) | off: the head is the answer | a stream may say nothing for long |
/// | [`max_authorities`](Self::max_authorities) | 1,000 | [`DEFAULT_MAX_AUTHORITIES`](Builder::DEFAULT_MAX_AUTHORITIES) |
#[must_use = "a builder does nothing before `build`"]
pub struct Builder<T = ()> {
    name: Name,
    change: Arc<Change>,
    authorities: Vec<(String, Arc<Change>)>,
    options: RequestOptions,
    replay: ReplayLayer,
    hedging: bool,
    waits_for_body: bool,
    max_authorities: usize,
    through: T,
}

impl Builder {
    /// How many authorities have a pipeline unless another number is given: a service calls fewer, and
    /// a crawler shares what is beyond it.
    pub const DEFAULT_MAX_AUTHORITIES: usize = 1_000;

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// Those of the pipeline, and `max_authorities` of 0.
    pub fn build(self) -> Result<ClientLayer, ConfigError> {
        self.layer().map(|(layer, ())| layer)
    }
}

impl<T> Builder<T> {
    pub(super) fn through(name: Name, through: T) -> Self {
        Self {
            name,
            change: Arc::new(|standard| standard),
            authorities: Vec::new(),
            options: RequestOptions::new(),
            replay: ReplayLayer::new(),
            hedging: false,
            waits_for_body: false,
            max_authorities: Builder::DEFAULT_MAX_AUTHORITIES,
            through,
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

    /// Changes the standard pipeline of one authority, such as `inventory.example:8080`, after
    /// [`pipeline`](Self::pipeline). The port is left out where the URL leaves it out.
    pub fn authority(
        mut self,
        authority: impl Into<String>,
        change: impl Fn(StandardBuilder) -> StandardBuilder + Send + Sync + 'static,
    ) -> Self {
        self.authorities.push((authority.into(), Arc::new(change)));
        self
    }

    /// What may be repeated, and how deadlines are passed on.
    pub fn options(mut self, options: RequestOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends a second request where the first is slower than 19 of 20 are, or takes 2 s as long as
    /// little is known, and takes the answer that comes first. Only for GET, HEAD and
    /// [paths](RequestOptions::paths) that are said to be idempotent. One more at most, paid for like any
    /// repetition.
    pub const fn hedging(mut self) -> Self {
        self.hedging = true;
        self
    }

    /// How much of the bodies of requests is kept for the next attempt.
    pub fn replay(mut self, replay: ReplayLayer) -> Self {
        self.replay = replay;
        self
    }

    /// Takes an answer for one only when the first bytes of its body are there, or its end: a server that
    /// breaks off before that has failed, and the request is repeated where that does no harm. So does a
    /// status of gRPC that comes before any message.
    pub const fn wait_for_body(mut self) -> Self {
        self.waits_for_body = true;
        self
    }

    /// How many authorities have a pipeline of their own, at least 1.
    pub const fn max_authorities(mut self, most: usize) -> Self {
        self.max_authorities = most;
        self
    }

    #[cfg(feature = "reqwest")]
    pub(super) fn with(self, through: T) -> Self {
        Self { through, ..self }
    }

    /// The layer, and what it is to send through.
    pub(super) fn layer(self) -> Result<(ClientLayer, T), ConfigError> {
        let Self { name, change, authorities, options, replay, hedging, waits_for_body, .. } = self;
        let settings = Settings { name, change, authorities, hedging };
        let pipelines = Keyed::new(settings, self.max_authorities)?;
        let shared = Shared { pipelines, options, replay, waits_for_body };
        Ok((ClientLayer::of(shared), self.through))
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("name", &self.name).finish_non_exhaustive()
    }
}
