//! The table.

use super::{Instrument, InstrumentKind};

macro_rules! instruments {
    ($($constant:ident = $kind:ident $name:literal $otel:literal $unit:literal $labels:expr, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $constant: Instrument = Instrument {
                name: $name,
                otel_name: $otel,
                kind: InstrumentKind::$kind,
                unit: $unit,
                labels: &$labels,
                help: $help,
            };
        )*

        /// All of them, in the order of the exposition.
        pub static INSTRUMENTS: &[&Instrument] = &[$(&$constant,)*];
    };
}

instruments! {
    CALLS = Counter "seawall_calls_total" "seawall.calls" "" ["pipeline", "outcome"],
        "Calls by how they ended.";
    CALL_SECONDS = Histogram "seawall_call_seconds" "seawall.call.duration" "seconds" ["pipeline", "result"],
        "Time of calls, with all their attempts and the waiting between them.";
    ATTEMPTS = Counter "seawall_attempts_total" "seawall.attempts" "" ["pipeline", "outcome"],
        "Attempts by how they ended.";
    ATTEMPT_SECONDS = Histogram "seawall_attempt_seconds" "seawall.attempt.duration" "seconds" ["pipeline", "result"],
        "Time of attempts.";
    REFUSALS = Counter "seawall_refusals_total" "seawall.refusals" "" ["policy", "kind", "reason"],
        "Calls that a policy refused.";
    WOULD_REFUSE = Counter "seawall_would_refuse_total" "seawall.would_refuse" "" ["policy", "kind", "reason"],
        "Calls that went through and would have been refused, were the policy not in shadow.";
    BREAKER_STATE = Gauge "seawall_breaker_state" "seawall.breaker.state" "" ["policy", "state"],
        "1 for the state that the circuit is in; the one that is due is open with its wait over, as nobody calls.";
    BREAKER_STATE_SECONDS = Counter "seawall_breaker_state_seconds_total" "seawall.breaker.state.time" "seconds" ["policy", "state"],
        "Time that the circuit spent in each state.";
    BREAKER_TRANSITIONS = Counter "seawall_breaker_transitions_total" "seawall.breaker.transitions" "" ["policy", "from", "to"],
        "Changes of the circuit's state.";
    BREAKER_OPENINGS = Counter "seawall_breaker_openings_total" "seawall.breaker.openings" "" ["policy"],
        "Openings of the circuit.";
    BREAKER_REOPENINGS = Counter "seawall_breaker_reopenings_total" "seawall.breaker.reopenings" "" ["policy"],
        "Openings that followed an earlier one closely.";
    BREAKER_WINDOW_CALLS = Gauge "seawall_breaker_window_calls" "seawall.breaker.window.calls" "" ["policy"],
        "Calls in the window of the circuit.";
    BREAKER_WINDOW_FAILURES = Gauge "seawall_breaker_window_failures" "seawall.breaker.window.failures" "" ["policy"],
        "Failures in that window.";
    BREAKER_WINDOW_SLOW = Gauge "seawall_breaker_window_slow" "seawall.breaker.window.slow" "" ["policy"],
        "Slow calls in that window.";
    BREAKER_PROBES = Gauge "seawall_breaker_probes_in_flight" "seawall.breaker.probes" "" ["policy"],
        "Probes in flight.";
    BREAKER_FAILURES = Counter "seawall_breaker_failures_total" "seawall.breaker.failures" "" ["policy"],
        "Failures that the circuit counted.";
    BREAKER_SLOW_CALLS = Counter "seawall_breaker_slow_calls_total" "seawall.breaker.slow_calls" "" ["policy"],
        "Slow calls that the circuit counted.";
    BREAKER_STALE = Counter "seawall_breaker_stale_total" "seawall.breaker.stale" "" ["policy"],
        "Outcomes that came too late to decide anything.";
    BREAKER_ABANDONED = Counter "seawall_breaker_abandoned_total" "seawall.breaker.abandoned" "" ["policy"],
        "Calls dropped before they had an outcome.";
    CONGESTION_STATE = Gauge "seawall_congestion_state" "seawall.congestion.state" "" ["policy", "state"],
        "1 for the state that the circuit of a congestion control is in; open is an outage: nothing is answered.";
    CONGESTION_STATE_SECONDS = Counter "seawall_congestion_state_seconds_total" "seawall.congestion.state.time" "seconds" ["policy", "state"],
        "Time that the circuit of a congestion control spent in each state.";
    CONGESTION_OPENINGS = Counter "seawall_congestion_openings_total" "seawall.congestion.openings" "" ["policy"],
        "Outages: openings of the circuit of a congestion control.";
    CONGESTION_TOKENS = Gauge "seawall_congestion_tokens" "seawall.congestion.tokens" "" ["policy"],
        "Repetitions that successes have paid for.";
    RETRIES = Counter "seawall_retries_total" "seawall.retries" "" ["policy", "class"],
        "Attempts that were followed by another, by the class of their failure.";
    GAVE_UP = Counter "seawall_gave_up_total" "seawall.gave_up" "" ["policy", "why"],
        "Calls that a policy stopped repeating without a success.";
    HEDGES = Counter "seawall_hedges_total" "seawall.hedges" "" ["policy"],
        "Requests that went out while another was under way.";
    TIMEOUTS = Counter "seawall_timeouts_total" "seawall.timeouts" "" ["policy", "scope"],
        "Calls and attempts that a timeout cut off.";
    PANICS = Counter "seawall_panics_total" "seawall.panics" "" ["policy"],
        "Panics that were caught, in operations and in callbacks.";
    DEGRADED = Counter "seawall_degraded_total" "seawall.degraded" "" ["policy"],
        "Calls that a fallback answered.";
    FALLBACK_FAILED = Counter "seawall_fallback_failed_total" "seawall.fallback_failed" "" ["policy"],
        "Calls that no fallback answered.";
    RESTARTS = Counter "seawall_restarts_total" "seawall.restarts" "" ["policy"],
        "Restarts of long-running tasks.";
    LIMIT = Gauge "seawall_limit" "seawall.limit" "" ["policy", "kind"],
        "The limit in force on calls in flight.";
    LIMIT_IN_FLIGHT = Gauge "seawall_limit_in_flight" "seawall.limit.in_flight" "" ["policy", "kind"],
        "Calls or requests in flight.";
    LIMIT_QUEUED = Gauge "seawall_limit_queued" "seawall.limit.queued" "" ["policy", "kind"],
        "Calls that wait.";
    LIMIT_LINGERING = Gauge "seawall_limit_lingering" "seawall.limit.lingering" "" ["policy", "kind"],
        "Requests that nobody waits for any longer, on which the dependency may still work.";
    LIMIT_LEAST = Gauge "seawall_limit_least" "seawall.limit.least" "" ["policy", "kind"],
        "The least that the limit can become.";
    RATE_LIMIT_PERMITS = Gauge "seawall_rate_limit_permits" "seawall.rate_limit.permits" "" ["policy"],
        "Permits that are left of a rate limit.";
    BUDGET_TOKENS = Gauge "seawall_budget_tokens" "seawall.budget.tokens" "" ["policy"],
        "Repetitions that a budget can grant.";
    BUDGET_GRANTED = Counter "seawall_budget_granted_total" "seawall.budget.granted" "" ["policy"],
        "Repetitions that a budget granted.";
    BUDGET_REFUSED = Counter "seawall_budget_refused_total" "seawall.budget.refused" "" ["policy"],
        "Repetitions that a budget refused.";
    THROTTLE_PROBABILITY = Gauge "seawall_throttle_probability" "seawall.throttle.probability" "" ["policy"],
        "The probability that a call is shed.";
    KEYS = Gauge "seawall_keys" "seawall.keys" "" ["policy", "kind"],
        "Keys of a keyed policy.";
    KEYS_EVICTED = Counter "seawall_keys_evicted_total" "seawall.keys.evicted" "" ["policy", "kind"],
        "Keys that were evicted.";
    KEYS_OVERFLOWED = Counter "seawall_keys_overflowed_total" "seawall.keys.overflowed" "" ["policy", "kind"],
        "Keys that got a policy which was not kept.";
    READY = Gauge "seawall_ready" "seawall.ready" "" [],
        "1 while the process takes new work, 0 from the beginning of its shutdown.";
    CAPTURE_RECORDED = Counter "seawall_capture_recorded_total" "seawall.capture.recorded" "" ["store"],
        "Failures that were captured.";
    CAPTURE_GROUPS = Gauge "seawall_capture_groups" "seawall.capture.groups" "" ["store"],
        "Groups of failures that are held.";
    CAPTURE_DELIVERED = Counter "seawall_capture_delivered_total" "seawall.capture.delivered" "" ["store"],
        "Failures that a digest delivered.";
    CAPTURE_EVICTED = Counter "seawall_capture_evicted_total" "seawall.capture.evicted" "" ["store"],
        "Failures whose group was evicted for want of room.";
    CAPTURE_DROPPED = Counter "seawall_capture_dropped_total" "seawall.capture.dropped" "" ["store"],
        "Failures that were dropped: the queue was full, or nothing is kept.";
    REPLACED = Counter "seawall_context_replaced_total" "seawall.context.replaced" "" ["header"],
        "Ids of requests that were replaced, as they had a wrong form.";
    LISTENER_PANICS = Counter "seawall_listener_panics_total" "seawall.listener.panics" "" [],
        "Panics of listeners of the registered policies.";
    EVENTS_DROPPED = Counter "seawall_events_dropped_total" "seawall.events.dropped" "" [],
        "Events that no listener received because too many waited.";
    OVERFLOW = Counter "seawall_telemetry_overflow_total" "seawall.telemetry.overflow" "" ["instrument"],
        "Policies and pipelines that are summed under the name other, as there are too many.";
    INFO = Gauge "seawall_info" "seawall.info" "" ["version"],
        "1; the version of seawall.";
}
