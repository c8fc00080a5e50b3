//! How errors, panics and final failures become records.

use std::any::type_name;
use std::error::Error as StdError;
use std::panic::Location;

use seawall_core::{Error, PanicReport};

use super::{CallFacts, Kind, Observability, Record, Severity, frames_of, limits};
use crate::text::{assign, bounded, render};

/// Texts of earlier records, to be filled again: what repeats is recorded without allocating.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    pub(super) causes: Vec<String>,
    pub(super) call: Option<Box<CallFacts>>,
}

/// The type name of a panic.
pub(crate) const PANIC: &str = "panic";
/// The type name of an error whose type is not known.
const UNKNOWN_TYPE: &str = "dyn Error";

impl Spare {
    pub(super) fn keep(&mut self, causes: &mut Vec<String>, call: Option<Box<CallFacts>>) {
        self.causes.append(causes);
        self.causes.truncate(limits::CAUSES);
        self.call = call.or(self.call.take());
    }
}

impl Record {
    pub(crate) fn set_type(&mut self, name: &str) {
        assign(&mut self.type_name, limits::TYPE_NAME, name);
    }

    /// The type of an error that a policy made. The policy's name is part of it: the failure of
    /// one dependency is not that of another.
    fn set_policy_type(&mut self, name: &str, policy: &str) {
        render(&mut self.type_name, limits::TYPE_NAME, &format_args!("{name}[{policy}]"));
    }

    pub(crate) fn set_source(&mut self, source: &str) {
        assign(&mut self.source, limits::NAME, source);
    }

    /// An error of a known type.
    pub(crate) fn fill_typed<E: StdError + 'static>(&mut self, error: &E, spare: &mut Spare) {
        self.fill_error(error, spare);
        self.set_type(type_name::<E>());
    }

    /// An error of any type, with all that it was caused by.
    pub(crate) fn fill_error(&mut self, error: &(dyn StdError + 'static), spare: &mut Spare) {
        self.set_type(UNKNOWN_TYPE);
        render(&mut self.details.message, limits::MESSAGE, error);
        // A `source` that panics ends the chain.
        let _ = seawall_core::contain(|| self.fill_causes(error.source(), spare));
        self.details.causes.reverse();
    }

    fn fill_causes(&mut self, source: Option<&(dyn StdError + 'static)>, spare: &mut Spare) {
        let mut next = source;
        while let Some(cause) = next.filter(|_| self.details.causes.len() < limits::CAUSES) {
            let mut text = spare.causes.pop().unwrap_or_default();
            render(&mut text, limits::CAUSE, cause);
            self.details.causes.push(text);
            next = cause.source();
        }
    }

    /// A panic that was caught.
    pub(crate) fn fill_panic(&mut self, report: &PanicReport) {
        self.set_type(PANIC);
        assign(&mut self.details.message, limits::MESSAGE, &report.message);
        if let Some(location) = &report.location {
            assign(&mut self.details.location, limits::FILE, location);
        }
        if let Some(backtrace) = &report.backtrace {
            self.details.frames = frames_of(backtrace);
        }
        self.severity = Some(Severity::High);
        self.kind = Some(Kind::Logic);
    }

    /// The final failure of a call.
    ///
    /// Grouped by the error of the last attempt: the policies around it are in
    /// [`Record::call`], so that a call that was given up is the same failure as one that was
    /// tried once.
    pub(crate) fn fill_failure<E: StdError + 'static>(
        &mut self,
        error: &Error<E>,
        spare: &mut Spare,
    ) {
        match error.last() {
            Error::Operation { error, .. } => self.fill_typed(error, spare),
            Error::Panicked(panicked) => self.fill_panic(&panicked.report),
            Error::TimedOut(timed_out) => {
                self.set_policy_type("seawall::TimedOut", timed_out.policy().as_str());
                render(&mut self.details.message, limits::MESSAGE, timed_out);
                self.kind = Some(Kind::Performance);
            }
            Error::Rejected(rejection) => {
                self.set_policy_type("seawall::Rejection", rejection.policy().as_str());
                render(&mut self.details.message, limits::MESSAGE, rejection);
                self.kind = Some(Kind::Integration);
                self.observability = Some(Observability::LoadDependent);
            }
            other => {
                self.set_type("seawall::Error");
                render(&mut self.details.message, limits::MESSAGE, other);
            }
        }
        if !matches!(error, Error::Operation { .. }) {
            self.call.get_or_insert_with(|| spare.call.take().unwrap_or_default()).fill(error);
        }
    }

    /// Where it was captured, unless it knows where it happened.
    pub(crate) fn set_location_text(&mut self, location: &str) {
        if self.details.location.is_empty() {
            self.details.location.push_str(location);
        }
    }

    /// Adds a tag. One whose key is there replaces it; one beyond the bound is left out.
    pub(crate) fn set_tag(&mut self, key: &str, value: &str) {
        set_pair(&mut self.tags, limits::TAGS, limits::TAG, key, value);
    }

    /// Adds a value that stays.
    pub(crate) fn set_value(&mut self, key: &str, value: &str) {
        set_pair(&mut self.details.values, limits::VALUES, limits::VALUE, key, value);
    }
}

fn set_pair(pairs: &mut Vec<(String, String)>, most: usize, bound: usize, key: &str, value: &str) {
    let key = bounded(key, limits::KEY);
    let value = bounded(value, bound);
    if let Some((_, old)) = pairs.iter_mut().find(|(name, _)| *name == key) {
        *old = value;
    } else if pairs.len() < most {
        pairs.push((key, value));
    }
}

/// `file:line:column`.
pub(crate) fn location_text(location: &Location<'_>) -> String {
    let mut text = String::new();
    render(&mut text, limits::FILE, location);
    text
}
