//! A breaker per key.

use std::sync::Arc;

use seawall_core::{ConfigError, Keep, Keyed, Reporter};

use crate::machine::Settings;
use crate::{Breaker, BreakerBuilder};

/// A breaker per key (host, tenant), made on first use from one configuration, bounded in number.
///
/// An export to restore is ignored, as it is that of one breaker. Reconfiguring the set does not
/// change the [tally](BreakerBuilder::tally).
///
/// A breaker may be evicted to make room for a new key when nobody holds a handle on it and its
/// circuit is closed without recent trouble: no failures or slow calls in its window, or none for
/// [`forget_after`](BreakerBuilder::forget_after), and no opening within that time. So made-up keys
/// do not reset the counts of a host that fails.
///
/// ```
/// use seawall_breaker::{Breaker, KeyedBreaker};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hosts: KeyedBreaker<String> = KeyedBreaker::new(Breaker::builder().name("hosts"), 1_000)?;
/// let breaker = hosts.get("db-1");
/// breaker.call(async { Ok::<_, std::io::Error>(()) }).await?;
/// assert_eq!(breaker.name().as_str(), "hosts[db-1]");
/// # Ok(())
/// # }
/// ```
pub type KeyedBreaker<K> = Keyed<K, Breaker>;

/// The settings of a set of breakers.
#[derive(Debug)]
pub struct Template(Arc<Settings>);

impl Keep for Breaker {
    type Builder = BreakerBuilder;
    type Template = Template;

    fn template(builder: BreakerBuilder) -> Result<(Reporter, Template), ConfigError> {
        Ok((builder.reporter()?, Template(Arc::new(builder.settings()?))))
    }

    fn make(template: &Template, reporter: Reporter) -> Self {
        Self::of(reporter, Arc::clone(&template.0), None)
    }

    fn reconfigure(&self, template: &Template) {
        let settings = &template.0;
        let tally = self.0.peek(|machine| machine.settings().tally);
        self.apply(if settings.tally == tally {
            Arc::clone(settings)
        } else {
            Arc::new(Settings { tally, ..Settings::clone(settings) })
        });
    }

    fn is_idle(&self) -> bool {
        Arc::strong_count(self.0.shared()) == 1
            && self.0.peek(|machine| machine.is_idle(self.0.now()))
    }
}
