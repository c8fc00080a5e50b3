//! Default settings of a budget, with the reason for each.

/// The tokens that each call pays in, unless set: in the long run at most a fifth of the calls are
/// repeated. A dependency that is down gets 1.2 times its healthy traffic, not three times; and if
/// one call in six fails, each can be repeated. Google's "Site Reliability Engineering" (2016),
/// chapter 21, has a tenth, which lets errors through that retries could hide once one call in ten
/// fails.
pub const DEFAULT_DEPOSIT: f64 = 0.2;

/// The tokens at the start, unless set: enough for a service with little traffic to repeat at all,
/// and to ride out a burst.
pub const DEFAULT_RESERVE: f64 = 10.0;

/// The tokens that time adds in a second, unless set: a repetition in ten seconds. A client with a
/// call a minute pays in next to nothing, so that without this its reserve is gone after five calls
/// that each need two repetitions; with it each call of a long outage gets up to six. A client with
/// much traffic does not notice it, and a thousand clients add a hundred requests a second.
pub const DEFAULT_REFILL_PER_SECOND: f64 = 0.1;

/// The cost of a repetition, unless set.
pub const DEFAULT_COST: f64 = 1.0;

/// The most tokens that a budget can hold.
pub const MAX_TOKENS: f64 = 1e9;
