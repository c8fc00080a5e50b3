//! What the report says apart from the phases.

use crate::{FailedTask, LeftBehind, LeftBehindKind, Report};

/// A list with a bound, and how many more there were.
#[derive(Clone, Debug)]
pub(crate) struct Listed<T> {
    pub(crate) listed: Vec<T>,
    pub(crate) unlisted: usize,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { listed: Vec::new(), unlisted: 0 }
    }
}

impl<T> Listed<T> {
    pub(crate) fn push(&mut self, item: T) {
        if self.listed.len() < Report::MAX_LISTED {
            self.listed.push(item);
        } else {
            self.unlisted += 1;
        }
    }
}

/// What went wrong outside the plan.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) left_behind: Listed<LeftBehind>,
    pub(crate) failed_tasks: Listed<FailedTask>,
    pub(crate) panicked_hooks: usize,
}

impl Account {
    /// Notes requests in flight, once.
    pub(crate) fn leave_requests_behind(&mut self, name: &str, count: usize) {
        let is_requests = |left: &LeftBehind| matches!(left.kind, LeftBehindKind::Requests(_));
        if count > 0 && !self.left_behind.listed.iter().any(is_requests) {
            let kind = LeftBehindKind::Requests(count);
            self.left_behind.push(LeftBehind { name: name.to_owned(), kind });
        }
    }
}
