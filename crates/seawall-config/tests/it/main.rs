//! The tests of settings from a file.

mod document;
mod pipelines;
mod reload;
mod walk;
mod watch;
