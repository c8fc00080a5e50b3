//! The settings, which can be replaced while calls are under way.

use std::sync::atomic::{AtomicU64, Ordering};

use super::WhileDown;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) max_attempts: u32,
    pub(super) idempotent: bool,
    pub(super) while_down: WhileDown,
    /// A second request goes out when the first is slow.
    pub(super) hedging: bool,
    /// Calls are passed on as they are.
    pub(super) disabled: bool,
}

/// Settings in one word, so that a call reads all of them in one load.
// The standard library's atomic, not loom's: nothing depends on its order.
#[derive(Debug)]
pub(super) struct LiveSettings(AtomicU64);

const IDEMPOTENT: u64 = 1 << 32;
const REFUSES: u64 = 1 << 33;
const HEDGING: u64 = 1 << 34;
const DISABLED: u64 = 1 << 35;

impl LiveSettings {
    pub(super) fn new(settings: Settings) -> Self {
        Self(settings.word().into())
    }

    #[inline]
    pub(super) fn load(&self) -> Settings {
        Settings::of(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn replace(&self, settings: Settings) {
        self.0.store(settings.word(), Ordering::Relaxed);
    }
}

impl Settings {
    fn word(self) -> u64 {
        let refuses = self.while_down == WhileDown::Refuse;
        let bit = |flag, bit| if flag { bit } else { 0 };
        u64::from(self.max_attempts)
            | bit(self.idempotent, IDEMPOTENT)
            | bit(refuses, REFUSES)
            | bit(self.hedging, HEDGING)
            | bit(self.disabled, DISABLED)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    const fn of(word: u64) -> Self {
        let refuses = word & REFUSES != 0;
        Self {
            max_attempts: word as u32,
            idempotent: word & IDEMPOTENT != 0,
            while_down: if refuses { WhileDown::Refuse } else { WhileDown::Wait },
            hedging: word & HEDGING != 0,
            disabled: word & DISABLED != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_holds_all_settings() {
        for max_attempts in [1, 3, u32::MAX] {
            for bits in 0..16_u32 {
                let settings = Settings {
                    max_attempts,
                    idempotent: bits & 1 != 0,
                    while_down: if bits & 2 != 0 { WhileDown::Refuse } else { WhileDown::Wait },
                    hedging: bits & 4 != 0,
                    disabled: bits & 8 != 0,
                };
                assert_eq!(LiveSettings::new(settings).load(), settings);
            }
        }
    }
}
