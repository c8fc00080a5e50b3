//! The tests of `seawall-capture` that need no process of their own.

mod alarm;
mod captures_inside_captures;
mod digest;
mod fingerprint;
mod frames_and_message_both_count;
mod hostile_text_takes_linear_time;
mod http;
mod join;
mod log;
mod quoted_names_and_commits;
mod record;
mod redact;
mod store;
mod templates;
mod versions_without_an_order;
