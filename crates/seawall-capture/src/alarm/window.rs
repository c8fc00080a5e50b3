//! A sum over a window of time that slides, in constant time.

use std::time::Duration;

use crate::Timestamp;

/// In how many parts the window slides.
const PARTS: usize = 60;
/// The same as a difference of times.
const PARTS_I64: i64 = 60;

/// A sum over the last [`PARTS`] parts of a window, the current one included: up to a sixtieth of
/// the window less than the window.
#[derive(Clone, Debug)]
pub(super) struct Window {
    parts: Box<[u64; PARTS]>,
    sum: u64,
    /// The number of the current part, counted from the beginning of time.
    current: i64,
    part: i64,
}

impl Window {
    pub(super) fn new(window: Duration) -> Self {
        let millis = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        let part = (millis / PARTS_I64).max(1);
        Self { parts: Box::new([0; PARTS]), sum: 0, current: i64::MIN, part }
    }

    pub(super) fn add(&mut self, count: u64, now: Timestamp) {
        self.roll(now);
        self.sum = self.sum.saturating_add(count);
        let place = place(self.current);
        self.parts[place] = self.parts[place].saturating_add(count);
    }

    pub(super) fn sum(&mut self, now: Timestamp) -> u64 {
        self.roll(now);
        self.sum
    }

    /// Forgets the parts that have slid out. A clock that was set back slides nothing.
    fn roll(&mut self, now: Timestamp) {
        let part = now.as_millis().div_euclid(self.part);
        if part <= self.current {
            return;
        }
        let gone = part.saturating_sub(self.current).min(PARTS_I64);
        for back in 0..gone {
            let place = place(part - back);
            self.sum = self.sum.saturating_sub(self.parts[place]);
            self.parts[place] = 0;
        }
        self.current = part;
    }
}

fn place(part: i64) -> usize {
    // A remainder by 60 is always one.
    usize::try_from(part.rem_euclid(PARTS_I64)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_slides() {
        let mut window = Window::new(Duration::from_mins(1));
        let at = |second: i64| Timestamp::from_millis(1_700_000_000_000 + second * 1_000);
        window.add(1, at(0));
        window.add(2, at(30));
        assert_eq!(window.sum(at(59)), 3);
        assert_eq!(window.sum(at(60)), 2);
        assert_eq!(window.sum(at(10)), 2, "a clock that was set back");
        assert_eq!(window.sum(at(90)), 0);
        window.add(5, at(90));
        assert_eq!(window.sum(at(1_000_000)), 0);
        assert_eq!(window.sum(Timestamp::MAX), 0);
    }
}
