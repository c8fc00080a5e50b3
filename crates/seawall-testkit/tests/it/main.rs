//! The tests of `seawall-testkit` that need no process of their own.

mod recorder;
mod script;
mod switch;
