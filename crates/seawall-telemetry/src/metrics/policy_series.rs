//! The series of one policy: those that exist from its registration on, and what it measures.

use std::time::Duration;

use seawall::policy::inspect::{Counter, Gauge, Inspect, Measures, Value as Setting};
use seawall::{CircuitState, Class, Name, PolicyKind, Reason, Scope, StopReason};

use super::series::{Key, Reading, Value};
use crate::instrument::{self as i, Instrument};

/// The state of a circuit that is open although its wait is over, as nobody called.
const OPEN_DUE: &str = "open_due";

const RETRYABLE: [Class; 3] =
    [Class::Transient, Class::Overloaded { retry_after: None }, Class::Panicked];

/// The series of one policy in a reading.
pub(super) struct PolicySeries<'r> {
    to: &'r mut Reading,
    name: Name,
    kind: PolicyKind,
    /// Of the open state: whether it is in force, its time, and whether and how long it was due.
    open: (bool, u64),
    due: (bool, u64),
}

impl<'r> PolicySeries<'r> {
    /// Reads `policy`, under its lock and once, into `to`.
    pub(super) fn read(policy: &dyn Inspect, name: &Name, to: &'r mut Reading) {
        let kind = policy.policy_kind();
        let mut series = Self { to, name: name.clone(), kind, open: (false, 0), due: (false, 0) };
        series.be_born();
        policy.measure(&mut series);
        series.add_open_states();
        if kind == PolicyKind::AdaptiveLimit {
            let settings = policy.settings();
            if let Some(Setting::Count(least)) = settings.get("min") {
                #[expect(clippy::cast_precision_loss, reason = "a limit is a u32")]
                series.add(&i::LIMIT_LEAST, [kind.label(), ""], Value::Gauge(*least as f64));
            }
        }
    }

    fn add(&mut self, instrument: &'static Instrument, words: [&'static str; 2], value: Value) {
        self.to.add(Key::new(instrument, &self.name, words), value);
    }

    fn zero(&mut self, instrument: &'static Instrument, words: [&'static str; 2]) {
        self.add(instrument, words, Value::Count(0));
    }

    /// A counter that is born with its first event never alerts: `increase()` does not see the step.
    fn be_born(&mut self) {
        use Reason::{
            DeadlineTooNear, ForcedOpen, Full, Open, ProbesInFlight, QueueFull, Ramping,
            RateLimited, Shed, ShuttingDown, WaitedTooLong,
        };
        let reasons: &[Reason] = match self.kind {
            PolicyKind::Breaker => &[Open, ProbesInFlight, Ramping, ForcedOpen],
            PolicyKind::Bulkhead | PolicyKind::AdaptiveLimit => {
                &[Full, QueueFull, WaitedTooLong, DeadlineTooNear, ShuttingDown]
            }
            PolicyKind::CongestionControl => &[Open, QueueFull, DeadlineTooNear, ShuttingDown],
            PolicyKind::RateLimit => {
                &[RateLimited, QueueFull, WaitedTooLong, DeadlineTooNear, ShuttingDown]
            }
            PolicyKind::Throttle => &[Shed],
            PolicyKind::Shutdown => &[ShuttingDown],
            PolicyKind::Fallback => &[Full],
            _ => &[],
        };
        for reason in reasons {
            self.zero(&i::REFUSALS, [self.kind.label(), reason.as_str()]);
        }
        let repeats = matches!(
            self.kind,
            PolicyKind::Retry | PolicyKind::Hedge | PolicyKind::CongestionControl
        );
        if repeats {
            for class in RETRYABLE {
                self.zero(&i::RETRIES, [class.as_str(), ""]);
            }
            for why in StopReason::ALL {
                self.zero(&i::GAVE_UP, [why.as_str(), ""]);
            }
            self.zero(&i::HEDGES, ["", ""]);
        }
        match self.kind {
            PolicyKind::Breaker => {
                for reason in reasons {
                    self.zero(&i::WOULD_REFUSE, [self.kind.label(), reason.as_str()]);
                }
            }
            PolicyKind::AdaptiveLimit => {
                self.zero(&i::WOULD_REFUSE, [self.kind.label(), Full.as_str()]);
            }
            PolicyKind::CongestionControl => self.zero(&i::CONGESTION_OPENINGS, ["", ""]),
            PolicyKind::Timeout => {
                for scope in [Scope::Total, Scope::Attempt] {
                    self.zero(&i::TIMEOUTS, [scope.as_str(), ""]);
                }
            }
            PolicyKind::PanicGuard => self.zero(&i::PANICS, ["", ""]),
            PolicyKind::Fallback => {
                self.zero(&i::DEGRADED, ["", ""]);
                self.zero(&i::FALLBACK_FAILED, ["", ""]);
            }
            PolicyKind::Supervisor => self.zero(&i::RESTARTS, ["", ""]),
            _ => {}
        }
    }

    /// The states `open` and `open_due`, which are one to the policy.
    fn add_open_states(&mut self) {
        let (state, seconds) = match self.kind {
            PolicyKind::Breaker => (&i::BREAKER_STATE, &i::BREAKER_STATE_SECONDS),
            PolicyKind::CongestionControl => (&i::CONGESTION_STATE, &i::CONGESTION_STATE_SECONDS),
            _ => return,
        };
        let (is_open, open) = self.open;
        let (is_due, due) = self.due;
        let words = [CircuitState::Open.label(), ""];
        self.add(state, words, one_or_zero(is_open && !is_due));
        self.add(seconds, words, Value::Nanos(open.saturating_sub(due)));
        if self.kind == PolicyKind::Breaker {
            self.add(state, [OPEN_DUE, ""], one_or_zero(is_open && is_due));
            self.add(seconds, [OPEN_DUE, ""], Value::Nanos(due));
        }
    }
}

fn one_or_zero(is: bool) -> Value {
    Value::Gauge(f64::from(u8::from(is)))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Measures for PolicySeries<'_> {
    fn gauge(&mut self, gauge: Gauge, value: f64) {
        let of_kind = [self.kind.label(), ""];
        let (instrument, words) = match (gauge, self.kind) {
            (Gauge::OpenDue, _) => return self.due.0 = value > 0.0,
            (Gauge::WindowCalls, PolicyKind::Breaker) => (&i::BREAKER_WINDOW_CALLS, ["", ""]),
            (Gauge::WindowFailures, _) => (&i::BREAKER_WINDOW_FAILURES, ["", ""]),
            (Gauge::WindowSlow, _) => (&i::BREAKER_WINDOW_SLOW, ["", ""]),
            (Gauge::ProbesInFlight, _) => (&i::BREAKER_PROBES, ["", ""]),
            (Gauge::Limit, _) => (&i::LIMIT, of_kind),
            (Gauge::InFlight, _) => (&i::LIMIT_IN_FLIGHT, of_kind),
            (Gauge::Queued, _) => (&i::LIMIT_QUEUED, of_kind),
            (Gauge::Lingering, _) => (&i::LIMIT_LINGERING, of_kind),
            (Gauge::Tokens, PolicyKind::RateLimit) => (&i::RATE_LIMIT_PERMITS, ["", ""]),
            (Gauge::Tokens, PolicyKind::CongestionControl) => (&i::CONGESTION_TOKENS, ["", ""]),
            (Gauge::Tokens, _) => (&i::BUDGET_TOKENS, ["", ""]),
            (Gauge::ShedProbability, _) => (&i::THROTTLE_PROBABILITY, ["", ""]),
            (Gauge::Keys, _) => (&i::KEYS, of_kind),
            _ => return,
        };
        self.add(instrument, words, Value::Gauge(value));
    }

    fn counter(&mut self, counter: Counter, total: u64) {
        let of_kind = [self.kind.label(), ""];
        let (instrument, words) = match (counter, self.kind) {
            (Counter::OpenDueNanos, _) => return self.due.1 = total,
            (Counter::Openings, _) => (&i::BREAKER_OPENINGS, ["", ""]),
            (Counter::Reopenings, _) => (&i::BREAKER_REOPENINGS, ["", ""]),
            (Counter::Failures, PolicyKind::Breaker) => (&i::BREAKER_FAILURES, ["", ""]),
            (Counter::SlowCalls, _) => (&i::BREAKER_SLOW_CALLS, ["", ""]),
            (Counter::Stale, _) => (&i::BREAKER_STALE, ["", ""]),
            (Counter::Abandoned, PolicyKind::Breaker) => (&i::BREAKER_ABANDONED, ["", ""]),
            (Counter::Granted, _) => (&i::BUDGET_GRANTED, ["", ""]),
            // A limit counts the same by reason.
            (Counter::Refused, PolicyKind::Budget) => (&i::BUDGET_REFUSED, ["", ""]),
            (Counter::WouldRefuse, _) => {
                (&i::WOULD_REFUSE, [self.kind.label(), Reason::Full.as_str()])
            }
            (Counter::Evicted, _) => (&i::KEYS_EVICTED, of_kind),
            (Counter::Overflowed, _) => (&i::KEYS_OVERFLOWED, of_kind),
            (Counter::Hedges, _) => (&i::HEDGES, ["", ""]),
            (Counter::Panics, _) => (&i::PANICS, ["", ""]),
            (Counter::Degraded, _) => (&i::DEGRADED, ["", ""]),
            (Counter::FallbackFailed, _) => (&i::FALLBACK_FAILED, ["", ""]),
            (Counter::Restarts, _) => (&i::RESTARTS, ["", ""]),
            _ => return,
        };
        self.add(instrument, words, Value::Count(total));
    }

    fn refusals(&mut self, reason: Reason, total: u64) {
        self.add(&i::REFUSALS, [self.kind.label(), reason.as_str()], Value::Count(total));
    }

    fn part(&mut self, counter: Counter, label: &'static str, total: u64) {
        let (instrument, words) = match counter {
            Counter::Retries => (&i::RETRIES, [label, ""]),
            Counter::GaveUp => (&i::GAVE_UP, [label, ""]),
            Counter::Timeouts => (&i::TIMEOUTS, [label, ""]),
            Counter::WouldRefuse => (&i::WOULD_REFUSE, [self.kind.label(), label]),
            _ => return,
        };
        self.add(instrument, words, Value::Count(total));
    }

    fn transitions(&mut self, from: CircuitState, to: CircuitState, total: u64) {
        match self.kind {
            PolicyKind::Breaker => {
                let words = [from.label(), to.label()];
                self.add(&i::BREAKER_TRANSITIONS, words, Value::Count(total));
            }
            PolicyKind::CongestionControl if to == CircuitState::Open => {
                self.add(&i::CONGESTION_OPENINGS, ["", ""], Value::Count(total));
            }
            _ => {}
        }
    }

    fn state(&mut self, state: CircuitState, is_current: bool, time: Duration) {
        if state == CircuitState::Open {
            self.open = (is_current, nanos(time));
            return;
        }
        let (gauge, seconds) = match self.kind {
            PolicyKind::Breaker => (&i::BREAKER_STATE, &i::BREAKER_STATE_SECONDS),
            PolicyKind::CongestionControl => (&i::CONGESTION_STATE, &i::CONGESTION_STATE_SECONDS),
            _ => return,
        };
        self.add(gauge, [state.label(), ""], one_or_zero(is_current));
        self.add(seconds, [state.label(), ""], Value::Nanos(nanos(time)));
    }
}
