use super::Demand;

/// The largest limit: 2³⁰ − 1.
pub(crate) const MAX_LIMIT: u32 = (1 << 30) - 1;

/// In flight (32 bits), limit (30 bits), closed, waiters: one word, so that one exchange sees and
/// changes all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(u64);

impl Word {
    pub(crate) const WAITERS: u64 = 1;
    pub(crate) const CLOSED: u64 = 2;
    const FLAGS: u64 = Self::WAITERS | Self::CLOSED;
    const LIMIT: u32 = 2;
    const IN_FLIGHT: u32 = 32;

    pub(crate) const fn new(limit: u32) -> Self {
        Self((limit as u64) << Self::LIMIT)
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// What is added to the word for `weight`.
    pub(crate) const fn weight(weight: u32) -> u64 {
        (weight as u64) << Self::IN_FLIGHT
    }

    pub(crate) const fn in_flight(self) -> u32 {
        (self.0 >> Self::IN_FLIGHT) as u32
    }

    #[expect(clippy::cast_possible_truncation, reason = "the upper half is the calls in flight")]
    pub(crate) const fn limit(self) -> u32 {
        (self.0 as u32) >> Self::LIMIT
    }

    pub(crate) const fn has_waiters(self) -> bool {
        self.0 & Self::WAITERS != 0
    }

    pub(crate) const fn is_closed(self) -> bool {
        self.0 & Self::CLOSED != 0
    }

    /// Whether a call with this demand may start now.
    pub(crate) const fn admits(self, demand: &Demand) -> bool {
        // Both at most 2³² − 1: the sum is taken in 64 bits.
        let wanted = self.in_flight() as u64 + demand.weight as u64;
        self.0 & Self::FLAGS == 0 && wanted <= demand.ceiling(self.limit()) as u64
    }

    pub(crate) const fn plus(self, weight: u32) -> Self {
        Self(self.0 + Self::weight(weight))
    }

    pub(crate) const fn with_waiters(self) -> Self {
        Self(self.0 | Self::WAITERS)
    }

    pub(crate) const fn without_waiters(self) -> Self {
        Self(self.0 & !Self::WAITERS)
    }

    pub(crate) const fn with_limit(self, limit: u32) -> Self {
        let mask = (MAX_LIMIT as u64) << Self::LIMIT;
        Self(self.0 & !mask | (limit as u64) << Self::LIMIT)
    }
}
