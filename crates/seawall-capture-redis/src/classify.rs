//! What an error of Redis means to the policies.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use seawall::Class;

/// What decides it, with a name for the type of the pipeline.
pub type Classifier = fn(&RedisError) -> Class;

/// What an error of Redis means to the policies.
///
/// | error | class |
/// |---|---|
/// | connection refused, reset, lost | transient |
/// | `READONLY`, `MASTERDOWN`, `CLUSTERDOWN`, `MOVED`, `ASK`, `TRYAGAIN`, `NOREPLICAS`, `MISCONF`, `UNBLOCKED` | transient: a failover is under way, or a disk is full |
/// | `LOADING`, `BUSY`, `OOM`, too many clients | overloaded |
/// | `NOAUTH`, `WRONGPASS`, `NOPERM`, `WRONGTYPE`, an answer that can't be read, anything else | permanent |
///
/// ```
/// use redis::{ErrorKind, RedisError};
/// use seawall::Class;
///
/// let lost = RedisError::from((ErrorKind::Io, "connection reset"));
/// assert_eq!(seawall_capture_redis::classify(&lost), Class::Transient);
/// ```
pub fn classify(error: &RedisError) -> Class {
    use ServerErrorKind as Server;
    match error.kind() {
        ErrorKind::Io
        | ErrorKind::ClusterConnectionNotFound
        | ErrorKind::MasterNameNotFoundBySentinel
        | ErrorKind::NoValidReplicasFoundBySentinel
        | ErrorKind::Server(
            Server::ReadOnly
            | Server::MasterDown
            | Server::ClusterDown
            | Server::Moved
            | Server::Ask
            | Server::TryAgain
            | Server::NoScript,
        ) => Class::Transient,
        ErrorKind::Server(Server::BusyLoading) => Class::Overloaded { retry_after: None },
        ErrorKind::Server(Server::ResponseError) => general(error.detail().unwrap_or_default()),
        ErrorKind::Extension => by_code(error.code().unwrap_or_default()),
        _ => Class::Permanent,
    }
}

/// Codes that the client has no kind for.
fn by_code(code: &str) -> Class {
    match code {
        "OOM" | "BUSY" => Class::Overloaded { retry_after: None },
        "NOREPLICAS" | "MISCONF" | "UNBLOCKED" => Class::Transient,
        _ => Class::Permanent,
    }
}

/// What comes as `ERR` and says in words what it is. An error in a script may hold the error of
/// the command that failed in it.
fn general(detail: &str) -> Class {
    if detail.contains("max number of clients") {
        return Class::Overloaded { retry_after: None };
    }
    let within = detail.split_whitespace().map(|word| word.trim_start_matches('-'));
    let classes = within.take(16).map(|word| match word {
        "READONLY" => Class::Transient,
        word => by_code(word),
    });
    classes.into_iter().find(|class| *class != Class::Permanent).unwrap_or(Class::Permanent)
}
