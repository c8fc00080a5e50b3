/// How tracked tasks ended. Started = finished + panicked + aborted + those still there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TaskCounts {
    /// How many were spawned.
    pub started: u64,
    /// How many returned, whatever their output.
    pub finished: u64,
    /// How many panicked.
    pub panicked: u64,
    /// How many were aborted, or dropped with their runtime.
    pub aborted: u64,
}

impl TaskCounts {
    pub(super) fn cut_short(&mut self) {
        if std::thread::panicking() {
            self.panicked += 1;
        } else {
            self.aborted += 1;
        }
    }

    pub(super) fn still_there(&self) -> usize {
        let left = self.started - self.finished - self.panicked - self.aborted;
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    pub(super) fn add(self, other: Self) -> Self {
        Self {
            started: self.started + other.started,
            finished: self.finished + other.finished,
            panicked: self.panicked + other.panicked,
            aborted: self.aborted + other.aborted,
        }
    }
}
