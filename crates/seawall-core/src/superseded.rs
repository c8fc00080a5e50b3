//! Attempts that are dropped because another attempt of the same call has answered.

use std::cell::Cell;

thread_local! {
    // Without a destructor, so that it can be used while a thread ends, too.
    static DROPPING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `drop_them`, which drops attempts for which another attempt of their call has answered: the
/// losers of a hedge.
///
/// Nobody gave up on them, so that they say nothing about their dependency. A policy inside finds out
/// by [`is_superseded`] in the drop of its permit.
pub fn supersede(drop_them: impl FnOnce()) {
    struct Restore(bool);

    impl Drop for Restore {
        fn drop(&mut self) {
            DROPPING.set(self.0);
        }
    }

    let _restore = Restore(DROPPING.replace(true));
    drop_them();
}

/// Whether this code runs in the drop of an attempt for which [another has answered](supersede).
pub fn is_superseded() -> bool {
    DROPPING.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Looks<'a>(&'a Cell<bool>, bool);

    impl Drop for Looks<'_> {
        fn drop(&mut self) {
            self.0.set(is_superseded());
            assert!(!self.1, "a bug");
        }
    }

    #[test]
    fn only_what_is_dropped_here_is_superseded() {
        let seen = Cell::new(false);
        supersede(|| drop(Looks(&seen, false)));
        assert!(seen.get() && !is_superseded());
        drop(Looks(&seen, false));
        assert!(!seen.get());
        crate::contain(|| supersede(|| drop(Looks(&seen, true)))).unwrap_err();
        assert!(seen.get() && !is_superseded());
    }
}
