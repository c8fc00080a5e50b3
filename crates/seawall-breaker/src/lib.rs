//! A circuit breaker that cannot wedge: rates and slow calls, leases, generations, operator states.
