//! What the clones of a throttle share.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use seawall_core::{Counted, Evidence, Random, Reason, Rejection, Reporter, Rule, Timeline};
use tokio::time::Instant;

use super::machine::{Part, Ratio};
use super::{ThrottlePermit, ThrottleSnapshot};

#[derive(Debug)]
pub(super) struct Shared {
    time: Timeline,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) ratio: Ratio,
    settings: Arc<Settings>,
}

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) k: f64,
    pub(super) min_requests: u32,
    pub(super) window: Duration,
    pub(super) width: u64,
    pub(super) max_probability: f64,
    pub(super) random: Random,
}

impl State {
    /// The probability with which to shed the next call.
    fn probability(&self) -> f64 {
        let Settings { k, min_requests, max_probability, .. } = *self.settings;
        self.ratio.probability(k, min_requests).min(max_probability)
    }
}

impl Shared {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        let state = Mutex::new(State { ratio: Ratio::new(), settings });
        Self { time: Timeline::new(), state }
    }

    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.state.lock().settings)
    }

    /// Counts by other settings from now on. A window of another length begins empty.
    pub(super) fn reconfigure(&self, settings: &Arc<Settings>) {
        let replaced = {
            let mut state = self.state.lock();
            if state.settings.width != settings.width {
                state.ratio = Ratio::new();
            }
            std::mem::replace(&mut state.settings, Arc::clone(settings))
        };
        drop(replaced);
    }

    fn lock_at(&self, now: Instant) -> MutexGuard<'_, State> {
        let now = self.time.at(now);
        let mut state = self.state.lock();
        let width = state.settings.width;
        state.ratio.advance(now, width);
        state
    }

    /// A permit, if no call is to be shed.
    pub(super) fn try_admit(&self, now: Instant) -> Option<ThrottlePermit<'_>> {
        (self.lock_at(now).probability() <= 0.0).then(|| ThrottlePermit::new(&self.state))
    }

    pub(super) fn acquire(
        &self,
        now: Instant,
        reporter: &Reporter,
    ) -> Result<ThrottlePermit<'_>, Rejection> {
        let (probability, settings) = {
            let state = self.lock_at(now);
            (state.probability(), Arc::clone(&state.settings))
        };
        if probability > 0.0 && settings.random.unit() < probability {
            return Err(self.refuse(probability, &settings, reporter));
        }
        Ok(ThrottlePermit::new(&self.state))
    }

    fn refuse(&self, probability: f64, settings: &Settings, reporter: &Reporter) -> Rejection {
        let requests = {
            let ratio = &mut self.state.lock().ratio;
            ratio.record(false);
            ratio.sum().requests
        };
        let limit = settings.max_probability;
        let evidence = Evidence::new(Rule::ShedProbability, probability, limit, requests);
        reporter.count(Counted::Refused(Reason::Shed));
        reporter.refused(reporter.rejection(Reason::Shed).because(evidence))
    }

    pub(super) fn snapshot(&self) -> ThrottleSnapshot {
        let state = self.lock_at(Instant::now());
        let Part { requests, accepts } = state.ratio.sum();
        ThrottleSnapshot { requests, accepts, probability: state.probability() }
    }
}
