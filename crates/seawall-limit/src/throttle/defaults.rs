//! Default settings of a throttle, with the reason for each.

use std::time::Duration;

/// K = 2: one call in two may fail before any is shed, as in the book. A lower K reacts sooner and
/// sheds calls that would have been served; a higher one sends more calls in vain.
pub const K: f64 = 2.0;

/// Ten: by the formula alone, the very first failure would shed every second call.
pub const MIN_REQUESTS: u32 = 10;

/// Ten seconds. The book has two minutes; then a service would be back only minutes after its
/// dependency, as the calls that pass double in about half a window.
pub const WINDOW: Duration = Duration::from_secs(10);

/// Never sheds more than nine in ten: a dependency that gets no calls can't show that it has
/// recovered, and from one in ten the way back is two doublings.
pub const MAX_PROBABILITY: f64 = 0.9;
