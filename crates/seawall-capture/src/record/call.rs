//! What the policies around a call know of its failure.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use seawall_core::{Error, Name, Rejection, TimedOut};
use serde::{Deserialize, Serialize};

use super::limits;
use crate::text::{assign, render};

/// What the policies around a call know of its failure.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct CallFacts {
    /// The kind of policy that made the error; empty if it is the operation's own.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub policy_kind: Cow<'static, str>,
    /// Its name.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub policy: String,
    /// How many attempts were started, where something repeated the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// How many there might have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// From the start of the first attempt to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed: Option<Duration>,
    /// Why nothing repeated it any further.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub stopped: Cow<'static, str>,
    /// What the outcome means to the policies.
    pub class: Cow<'static, str>,
    /// Why a policy refused it.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reason: Cow<'static, str>,
    /// What the refusal rests on.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub evidence: String,
    /// For how long the policy had been refusing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Duration>,
    /// When it makes sense to try again, counted from the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
    /// The errors of the attempts before the last, oldest first, where the retry keeps them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<String>,
    /// The wait after each error in `history`. Else the waiting is in
    /// [`elapsed`](Self::elapsed) alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delays: Vec<Duration>,
}

impl CallFacts {
    /// Becomes what `error` says beyond the operation's own error.
    pub(super) fn fill<E: std::fmt::Display>(&mut self, error: &Error<E>) {
        let last = error.last();
        self.class = error.class().as_str().into();
        let policy = last.policy().or_else(|| error.policy()).map_or("", Name::as_str);
        assign(&mut self.policy, limits::NAME, policy);
        self.policy_kind = kind_of(last).or_else(|| kind_of(error)).unwrap_or_default().into();
        self.retry_after = error.retry_after();
        let rejection = error.rejection();
        self.reason = rejection.map_or("", |rejection| rejection.reason().as_str()).into();
        self.since = rejection.and_then(Rejection::since);
        match rejection.and_then(Rejection::evidence) {
            Some(evidence) => render(&mut self.evidence, limits::CAUSE, &evidence),
            None => self.evidence.clear(),
        }
        let gave_up = error.gave_up();
        self.attempts = gave_up.map(|gave_up| gave_up.attempts);
        self.max_attempts = gave_up.and_then(|gave_up| gave_up.max_attempts);
        self.stopped = gave_up.map_or("", |gave_up| gave_up.why.as_str()).into();
        let timed_out = error.timed_out().map(TimedOut::elapsed);
        self.elapsed = gave_up.map(|gave_up| gave_up.elapsed).or(timed_out);
        self.history.clear();
        self.delays.clear();
        if let Some(gave_up) = gave_up {
            self.history.extend(gave_up.history.iter().take(limits::CAUSES).map(text_of));
            self.delays.extend(gave_up.delays.iter().take(limits::CAUSES));
        }
    }

    /// Becomes like `other`, in the texts that are there.
    pub(super) fn copy_from(&mut self, other: &Self) {
        let Self { mut policy, mut evidence, mut history, mut delays, .. } = std::mem::take(self);
        policy.clone_from(&other.policy);
        evidence.clone_from(&other.evidence);
        history.clone_from(&other.history);
        delays.clone_from(&other.delays);
        *self = Self {
            policy_kind: other.policy_kind.clone(),
            stopped: other.stopped.clone(),
            class: other.class.clone(),
            reason: other.reason.clone(),
            policy,
            evidence,
            history,
            delays,
            ..*other
        };
    }

    pub(super) fn footprint(&self) -> usize {
        size_of::<Self>()
            + self.policy.capacity()
            + self.evidence.capacity()
            + self.history.capacity() * size_of::<String>()
            + self.history.iter().map(String::capacity).sum::<usize>()
            + self.delays.capacity() * size_of::<Duration>()
    }
}

impl fmt::Debug for CallFacts {
    /// Without the texts of attempts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallFacts")
            .field("policy_kind", &self.policy_kind)
            .field("class", &self.class)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

fn text_of<E: std::fmt::Display>(error: &Error<E>) -> String {
    let mut text = String::new();
    render(&mut text, limits::CAUSE, error);
    text
}

fn kind_of<E>(error: &Error<E>) -> Option<&'static str> {
    use seawall_core::PolicyKind;
    match error {
        Error::TimedOut(_) => Some(PolicyKind::Timeout.as_str()),
        Error::Rejected(rejection) => Some(rejection.kind().as_str()),
        Error::Panicked(_) => Some(PolicyKind::PanicGuard.as_str()),
        Error::Cancelled(cancelled) => Some(cancelled.kind.as_str()),
        Error::GaveUp(gave_up) => Some(gave_up.kind.as_str()),
        _ => None,
    }
}
