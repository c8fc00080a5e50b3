//! What is called when the shutdown begins.

use parking_lot::Mutex;
use seawall_core::contain;

use super::Shared;
use crate::ShutdownReason;

pub(super) type Hook = Box<dyn FnOnce(&ShutdownReason) + Send>;

/// `None` once they have run.
pub(crate) struct Hooks(Mutex<Option<Vec<Hook>>>);

impl Default for Hooks {
    fn default() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }
}

impl Shared {
    /// Keeps `hook` for the trigger, or runs it if that has been.
    pub(super) fn add_hook(&self, hook: Hook) {
        let mut hooks = self.hooks.0.lock();
        if let Some(hooks) = &mut *hooks {
            hooks.push(hook);
            return;
        }
        drop(hooks);
        if let Some(reason) = self.trigger.reason() {
            self.run_hook(hook, &reason);
        }
    }

    pub(super) fn run_hooks(&self, reason: &ShutdownReason) {
        let hooks = self.hooks.0.lock().take();
        for hook in hooks.into_iter().flatten() {
            self.run_hook(hook, reason);
        }
    }

    fn run_hook(&self, hook: Hook, reason: &ShutdownReason) {
        if contain(|| hook(reason)).is_err() {
            self.account.lock().panicked_hooks += 1;
        }
    }
}
