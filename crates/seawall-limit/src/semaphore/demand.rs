/// How important a call is. Where not all can be served, the least important are refused first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Work that can be done later as well: batch jobs, prefetching.
    Low,
    /// Calls without a priority of their own.
    #[default]
    Normal,
    /// A person waits for the answer.
    High,
    /// Nothing works without it: health checks, the calls by which an operator repairs things.
    Critical,
}

impl Priority {
    /// All of them, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// The priority as a word, for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What a call asks of the semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) weight: u32,
    /// The part of the limit that it leaves free for other calls, in 65,536ths.
    pub(crate) headroom: u16,
    pub(crate) priority: Priority,
    pub(crate) partition: Option<u8>,
    /// Calls of one tenant take turns with those of the others.
    pub(crate) tenant: u64,
}

impl Demand {
    pub(crate) const ONE: Self =
        Self { weight: 1, headroom: 0, priority: Priority::Normal, partition: None, tenant: 0 };

    /// Whether it is ever admitted under `limit`.
    pub(crate) const fn can_fit(&self, limit: u32) -> bool {
        self.weight <= self.ceiling(limit)
    }

    /// How much may be in flight with it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a part of a limit is at most the limit, a u32"
    )]
    pub(crate) const fn ceiling(&self, limit: u32) -> u32 {
        limit - ((limit as u64 * self.headroom as u64) >> 16) as u32
    }
}
