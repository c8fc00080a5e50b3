//! Default settings of an adaptive limit, with the reason for each.

use std::time::Duration;

use seawall_core::UsualTime;

/// 20 to begin with: enough for 1,000 calls a second of 20 ms. From there it finds its own level
/// within a few round-trips.
pub const INITIAL: u32 = 20;

/// Never below 2: with 1, each call that lingers would stop all others.
pub const MIN: u32 = 2;

/// Never above a million, which no healthy load of one process reaches. A lower cap refuses calls in
/// health: with 200, a server that stands 1,000 calls at a time and gets 600 loses two thirds of
/// them. What bounds the calls in an outage is the limit itself, not its cap.
pub const MAX: u32 = 1_000_000;

/// A loss takes away three tenths. Less lets a queue stand for seconds when capacity falls; half
/// costs goodput where single calls are slow by chance.
pub const DECREASE: f64 = 0.7;

/// A place lingers for a minute at most. A server that works on a call for longer after its caller
/// has gone is not overloaded but stuck, and places that are kept for it keep out the calls that
/// would show its recovery.
pub const MAX_LINGER: Duration = Duration::from_mins(1);

/// After a second in which only callers with too little time went away and nothing was answered,
/// their calls are losses. A dependency that answers anybody does so within a second; one that hangs
/// is protected soon.
pub const MAX_SILENCE: Duration = UsualTime::MAX_SILENCE;
