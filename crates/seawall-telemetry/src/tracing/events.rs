//! The listener.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use seawall::{CircuitState, Event, EventKind, Listener, Name, PolicyKind};
use tokio::time::Instant;
use tracing::Level;

/// Makes each event of a policy one of `tracing`. See the [chapter](super) for levels and floods.
///
/// Clones are one: add one to all pipelines.
#[derive(Clone)]
pub struct Events(Arc<Shared>);

struct Shared {
    level: Box<LevelBy>,
    floods: Mutex<HashMap<Flooding, Flood>>,
}

type LevelBy = dyn Fn(&Event) -> Option<Level> + Send + Sync;

/// Which refusals are counted together.
type Flooding = (Name, PolicyKind, &'static str);

#[derive(Clone, Copy)]
struct Flood {
    since: Instant,
    more: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self::level_by(|event| Some(level_of(&event.kind)))
    }
}

impl Events {
    /// For how long refusals are counted before an event says how many there were.
    pub const SUMMARY: Duration = Duration::from_secs(10);

    /// How many policies and reasons are counted at a time. Refusals beyond that are events each.
    pub const MAX_FLOODS: usize = 1_024;

    /// Events with levels of one's own; none where `level` gives none.
    pub fn level_by(level: impl Fn(&Event) -> Option<Level> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared { level: Box::new(level), floods: Mutex::default() }))
    }

    /// The level of the table, for a function that changes a few.
    pub fn default_level(kind: &EventKind) -> Level {
        level_of(kind)
    }

    /// The refusals to tell of now: of each flood whose time is over, how many more there were.
    fn over(&self, now: Instant) -> Vec<(Flooding, u64)> {
        let mut floods = self.0.floods.lock();
        let is_over = |flood: &Flood| now.saturating_duration_since(flood.since) >= Self::SUMMARY;
        floods
            .extract_if(|_, flood| is_over(flood))
            .map(|(which, flood)| (which, flood.more))
            .filter(|(_, more)| *more > 0)
            .collect()
    }

    /// Whether this refusal is the first of its kind for a while.
    fn is_first(&self, which: Flooding, now: Instant) -> bool {
        let mut floods = self.0.floods.lock();
        if let Some(flood) = floods.get_mut(&which) {
            flood.more = flood.more.saturating_add(1);
            return false;
        }
        if floods.len() < Self::MAX_FLOODS {
            floods.insert(which, Flood { since: now, more: 0 });
        }
        true
    }
}

fn level_of(kind: &EventKind) -> Level {
    match kind {
        EventKind::Panicked(_) => Level::ERROR,
        EventKind::Transition(transition) if transition.to == CircuitState::Open => Level::WARN,
        EventKind::GaveUp { .. }
        | EventKind::BudgetExhausted
        | EventKind::FallbackFailed { .. }
        | EventKind::Restarted { .. }
        | EventKind::Ineffective { .. } => Level::WARN,
        EventKind::Transition(_)
        | EventKind::BudgetRecovered { .. }
        | EventKind::Degraded { .. }
        | EventKind::Phase { .. }
        | EventKind::StepEnded { .. }
        | EventKind::InjectionEnded { .. }
        | EventKind::Custom { .. } => Level::INFO,
        _ => Level::DEBUG,
    }
}

impl Listener for Events {
    fn on_event(&self, event: &Event) {
        for ((policy, kind, reason), more) in self.over(event.at) {
            let text = format!("{kind} '{policy}': refused {more} more ({reason})");
            emit(
                kind,
                Level::INFO,
                &Fields { policy: &policy, event: "refusals", text, more, reason },
            );
        }
        let Some(level) = (self.0.level)(event) else { return };
        let (policy, kind) = (&event.policy, event.policy_kind);
        let reason = match &event.kind {
            EventKind::Rejected(rejection) => rejection.reason().as_str(),
            _ => "",
        };
        if !reason.is_empty() && !self.is_first((policy.clone(), kind, reason), event.at) {
            return;
        }
        let fields =
            Fields { policy, event: event.kind.as_str(), text: event.to_string(), more: 0, reason };
        emit(kind, level, &fields);
    }
}

struct Fields<'e> {
    policy: &'e Name,
    event: &'static str,
    text: String,
    more: u64,
    reason: &'static str,
}

/// An event of `tracing` has its target and level from its place in the source, so each pair has one.
macro_rules! at_level {
    ($target:literal, $level:expr, $fields:expr) => {
        at_level!(@ $target, $level, $fields, ERROR WARN INFO DEBUG TRACE)
    };
    (@ $target:literal, $level:expr, $fields:expr, $($name:ident)*) => {
        match $level {
            $(Level::$name => tracing::event!(
                target: $target,
                Level::$name,
                policy = $fields.policy.as_str(),
                event = $fields.event,
                reason = (!$fields.reason.is_empty()).then_some($fields.reason),
                more = ($fields.more > 0).then_some($fields.more),
                "{}", $fields.text
            ),)*
        }
    };
}

fn emit(kind: PolicyKind, level: Level, fields: &Fields<'_>) {
    match kind {
        PolicyKind::Breaker => at_level!("seawall::breaker", level, fields),
        PolicyKind::Retry => at_level!("seawall::retry", level, fields),
        PolicyKind::Hedge => at_level!("seawall::hedge", level, fields),
        PolicyKind::Budget => at_level!("seawall::budget", level, fields),
        PolicyKind::Timeout => at_level!("seawall::timeout", level, fields),
        PolicyKind::PanicGuard => at_level!("seawall::panic_guard", level, fields),
        PolicyKind::Fallback => at_level!("seawall::fallback", level, fields),
        PolicyKind::Bulkhead => at_level!("seawall::bulkhead", level, fields),
        PolicyKind::RateLimit => at_level!("seawall::rate_limit", level, fields),
        PolicyKind::AdaptiveLimit => at_level!("seawall::adaptive_limit", level, fields),
        PolicyKind::CongestionControl => at_level!("seawall::congestion_control", level, fields),
        PolicyKind::Throttle => at_level!("seawall::throttle", level, fields),
        PolicyKind::Shutdown => at_level!("seawall::shutdown", level, fields),
        PolicyKind::Supervisor => at_level!("seawall::supervisor", level, fields),
        PolicyKind::Chaos => at_level!("seawall::chaos", level, fields),
        _ => at_level!("seawall::policy", level, fields),
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
