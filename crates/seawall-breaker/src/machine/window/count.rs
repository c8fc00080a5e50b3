//! A window over the last outcomes.

/// The last outcomes, as bits in a ring.
///
/// An outcome costs the same whatever the size. A batch of successes costs one step per 64.
#[derive(Clone, Debug)]
pub(crate) struct CountWindow {
    size: u32,
    /// The place of the next outcome. In a full window it replaces the oldest.
    cursor: u32,
    samples: u32,
    failed: Ring,
    /// `None` without a slow-call rule.
    slow: Option<Box<Ring>>,
}

/// A ring of bits, with the number of those that are set.
#[derive(Clone, Debug)]
struct Ring {
    words: Box<[u64]>,
    ones: u32,
}

impl CountWindow {
    pub(crate) fn new(size: u32, slow: bool) -> Self {
        Self {
            size,
            cursor: 0,
            samples: 0,
            failed: Ring::new(size),
            slow: slow.then(|| Ring::new(size).into()),
        }
    }

    pub(crate) fn push(&mut self, failed: bool, slow: bool) {
        self.failed.write(self.cursor, 1, failed.into());
        if let Some(ring) = &mut self.slow {
            ring.write(self.cursor, 1, slow.into());
        }
        self.move_on(1);
    }

    /// Pushes `count` successes that were not slow.
    pub(crate) fn push_successes(&mut self, count: u64) {
        if count >= u64::from(self.size) {
            self.clear();
            self.samples = self.size;
            return;
        }
        let mut count = count as u32;
        while count > 0 {
            let in_this_word = 64 - self.cursor % 64;
            let run = count.min(in_this_word).min(self.size - self.cursor);
            self.failed.write(self.cursor, run, 0);
            if let Some(ring) = &mut self.slow {
                ring.write(self.cursor, run, 0);
            }
            self.move_on(run);
            count -= run;
        }
    }

    fn move_on(&mut self, steps: u32) {
        self.cursor += steps;
        if self.cursor == self.size {
            self.cursor = 0;
        }
        self.samples = (self.samples + steps).min(self.size);
    }

    fn clear(&mut self) {
        self.cursor = 0;
        self.samples = 0;
        self.failed.clear();
        if let Some(ring) = &mut self.slow {
            ring.clear();
        }
    }

    pub(crate) fn samples(&self) -> u32 {
        self.samples
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failed.ones
    }

    pub(crate) fn slow(&self) -> u32 {
        self.slow.as_ref().map_or(0, |ring| ring.ones)
    }

    /// Whether successes that are not slow leave this window as it is.
    pub(crate) fn is_full_of_successes(&self) -> bool {
        self.samples == self.size && self.failed.ones == 0 && self.slow() == 0
    }

    /// The outcomes as (failed, slow), oldest first.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (bool, bool)> + '_ {
        let oldest = if self.samples == self.size { self.cursor } else { 0 };
        (0..self.samples).map(move |n| {
            let at = (oldest + n) % self.size;
            (self.failed.get(at), self.slow.as_ref().is_some_and(|ring| ring.get(at)))
        })
    }

    pub(crate) fn size(&self) -> u32 {
        self.size
    }
}

impl Ring {
    fn new(size: u32) -> Self {
        Self { words: vec![0; size.div_ceil(64) as usize].into(), ones: 0 }
    }

    fn get(&self, at: u32) -> bool {
        self.words[(at / 64) as usize] >> (at % 64) & 1 == 1
    }

    /// Writes the `run` lowest of `bits` from `at` on. The range must lie in one word.
    fn write(&mut self, at: u32, run: u32, bits: u64) {
        let mask = u64::MAX >> (64 - run);
        let word = &mut self.words[(at / 64) as usize];
        self.ones -= (*word >> (at % 64) & mask).count_ones();
        self.ones += (bits & mask).count_ones();
        *word = *word & !(mask << (at % 64)) | (bits & mask) << (at % 64);
    }

    fn clear(&mut self) {
        self.words.fill(0);
        self.ones = 0;
    }
}
