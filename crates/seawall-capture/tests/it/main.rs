//! The tests of `seawall-capture` that need no process of their own.

mod a_clock_that_is_set_back;
mod a_mass_failure_loses_nothing;
mod a_sink_that_panics;
mod alarm;
mod canaries_ring_no_pager;
mod captures_inside_captures;
mod closing_beside_running;
mod debug_shows_no_record;
mod digest;
mod digest_bench;
mod digest_subjects;
mod fingerprint;
mod frames_and_message_both_count;
mod hostile_text_takes_linear_time;
mod http;
mod join;
mod log;
mod problems_are_json;
mod quoted_names_and_commits;
mod record;
mod redact;
mod reminders;
mod store;
mod templates;
mod versions_without_an_order;
mod web_pages_are_foreign;
