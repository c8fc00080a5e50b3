//! A throttle for each key.

use std::sync::Arc;

use seawall_core::{ConfigError, Keep, Keyed, Reporter};

use super::shared::Settings;
use super::{Throttle, ThrottleBuilder};

/// A [`Throttle`] for each key: host, shard, tenant. The throttle of a key is called `name[key]`.
///
/// A throttle without a call in its window, and without another handle, is idle: a new one would do
/// the same. New keys that find no room share one throttle.
///
/// ```
/// use seawall_limit::{KeyedThrottle, Throttle};
///
/// let hosts = KeyedThrottle::<String>::new(Throttle::builder().name("hosts"), 1_000)?;
/// let host = hosts.get("db-1");
/// assert!(host.try_acquire().is_ok());
/// assert_eq!(host.name().as_str(), "hosts[db-1]");
/// # Ok::<_, seawall_core::ConfigError>(())
/// ```
pub type KeyedThrottle<K> = Keyed<K, Throttle>;

/// What the throttles of a set are made from, and the one that keys without room share.
#[derive(Debug)]
pub struct ThrottleTemplate {
    settings: Arc<Settings>,
    shared: Throttle,
}

impl Keep for Throttle {
    type Builder = ThrottleBuilder;
    type Template = ThrottleTemplate;

    fn template(builder: ThrottleBuilder) -> Result<(Reporter, ThrottleTemplate), ConfigError> {
        let (reporter, settings) = builder.parts()?;
        let shared = Throttle::of(reporter.clone(), Arc::clone(&settings));
        Ok((reporter, ThrottleTemplate { settings, shared }))
    }

    fn make(template: &ThrottleTemplate, reporter: Reporter) -> Self {
        Throttle::of(reporter, Arc::clone(&template.settings))
    }

    fn reconfigure(&self, template: &ThrottleTemplate) {
        self.shared.reconfigure(&template.settings);
    }

    fn is_idle(&self) -> bool {
        // Its window is empty, and this is its only handle.
        Arc::strong_count(&self.shared) == 1 && self.snapshot().requests == 0
    }

    fn without_room(template: &ThrottleTemplate, _: Self) -> Self {
        template.shared.clone()
    }
}
