//! The tests of `seawall-capture` that need no process of their own.

mod alarm;
mod captures_inside_captures;
mod digest;
mod fingerprint;
mod http;
mod join;
mod log;
mod record;
mod redact;
mod store;
mod templates;
