//! Default settings of a hedge, with the reason for each.

/// How many attempts a call may have, the primary included, unless set. One hedge cuts off most of
/// a slow tail; each further one adds load for less and less.
pub const DEFAULT_MAX_ATTEMPTS: u32 = 2;

/// The most attempts that a call can have: they are all held at once.
pub const MAX_ATTEMPTS: u32 = 16;

/// The share of recent latencies after which a hedge is launched, unless set: about one call in
/// twenty is then made twice. The figure is that of Dean and Barroso, "The Tail at Scale" (2013).
pub const DEFAULT_PERCENTILE: f64 = 0.95;

/// How many latencies have to be known before a percentile of them is used, unless set. The 95th
/// percentile of a hundred rests on the five slowest.
pub const DEFAULT_MIN_SAMPLES: u32 = 100;
