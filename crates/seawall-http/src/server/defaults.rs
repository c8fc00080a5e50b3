//! Default settings of a server, with the reason for each.

use std::time::Duration;

/// How long a client may take for the head of a request, from its first byte, and for the first byte of
/// a new connection: what a phone on a bad line needs, and short enough that slow heads hold nothing.
pub const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// How long a connection of HTTP/1.1 may be idle: longer than clients keep theirs (a minute or less), so
/// that the client closes it, and no request meets a connection that closes.
pub const IDLE_FOR: Duration = Duration::from_secs(75);

/// How long a write may make no progress: a client that reads nothing for a minute has gone. nginx has
/// the same.
pub const STALLED_AFTER: Duration = Duration::from_mins(1);

/// Requests at once on a connection of HTTP/2: what RFC 9113 asks for at least.
pub const MAX_STREAMS: u32 = 100;

/// How often a silent connection of HTTP/2 is pinged, and how long it has for the answer: a client
/// behind a dead link is found within a minute.
pub const PING_EVERY: Duration = Duration::from_secs(30);
