use std::sync::Arc;

use seawall_core::{
    Admission, Admit, Admitted, Attempt, ConfigError, Description, Guarded, Inspect, Listeners,
    Name, NoWait, Policy, PolicyKind, Rejection, Reporter,
};
use tokio::time::Instant;

use super::shared::{Settings, Shared};
use super::{ThrottleBuilder, ThrottlePermit};

/// Sheds calls in proportion to how few a dependency accepts. Clones share it. See the
/// [chapter](crate::throttle).
#[derive(Clone, Debug)]
pub struct Throttle {
    pub(super) shared: Arc<Shared>,
    pub(super) reporter: Reporter,
}

/// The state of a throttle at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ThrottleSnapshot {
    /// Calls in the window, including those that were shed.
    pub requests: u32,
    /// Those of them that the dependency accepted.
    pub accepts: u32,
    /// The probability with which the next call is shed.
    pub probability: f64,
}

impl Throttle {
    /// Starts a throttle.
    pub fn builder() -> ThrottleBuilder {
        ThrottleBuilder::default()
    }

    pub(super) fn of(reporter: Reporter, settings: Arc<Settings>) -> Self {
        Self { shared: Arc::new(Shared::new(settings)), reporter }
    }

    /// A permit, or a refusal with the probability that it was drawn with.
    #[inline]
    pub fn try_acquire(&self) -> Result<ThrottlePermit<'_>, Rejection> {
        self.shared.acquire(Instant::now(), &self.reporter)
    }

    /// Runs `future` unless it is shed.
    pub fn call<Fut, T, E>(&self, future: Fut) -> Guarded<'_, Self, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Guarded::new(self, future)
    }

    /// Replaces the settings. What was counted stays, unless the window has another length: then it
    /// begins empty. A name, listeners and a source of random numbers in `builder` are ignored.
    ///
    /// # Errors
    ///
    /// Names the wrong field and its allowed range; the old settings stay.
    pub fn reconfigure(&self, builder: ThrottleBuilder) -> Result<(), ConfigError> {
        let random = self.shared.settings().random.clone();
        let settings = builder.settings(random).map_err(|error| error.of(self.name()))?;
        self.shared.reconfigure(&Arc::new(settings));
        Ok(())
    }

    /// Its state now.
    pub fn snapshot(&self) -> ThrottleSnapshot {
        self.shared.snapshot()
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        self.reporter.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.reporter.listeners()
    }
}

impl Admit for Throttle {
    type Permit<'p> = ThrottlePermit<'p>;
    type Wait<'p> = NoWait<ThrottlePermit<'p>>;

    #[inline]
    fn try_admit(&self, attempt: &mut Attempt) -> Option<ThrottlePermit<'_>> {
        // Only a dependency that refuses calls needs a random number.
        self.shared.try_admit(attempt.began())
    }

    #[inline]
    fn admit(&self, attempt: &mut Attempt) -> Admission<ThrottlePermit<'_>, Self::Wait<'_>> {
        match self.shared.acquire(attempt.began(), &self.reporter) {
            Ok(permit) => Admission::Granted(permit),
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl Policy for Throttle {
    type Wrapped<'p, Op> = Admitted<'p, Self, Op>;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Admitted::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        let Settings { k, window, .. } = &*self.shared.settings();
        let text = format!("{k} calls for each that was accepted in the last {window:?}");
        inner.layer_with(PolicyKind::Throttle, self.name(), text, self.settings())
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        each(Arc::new(self.clone()));
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { reporter: self.reporter.heard_by(listeners), ..self }
    }
}
