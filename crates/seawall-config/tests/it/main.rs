//! The tests of settings from a file.

mod against_a_naive_merge;
mod described;
mod document;
mod lint;
mod pipelines;
mod reload;
mod walk;
mod watch;
