//! The words of custom policies.

use std::fmt;
use std::sync::OnceLock;

/// A word of a custom policy: the name of its kind, a reason or a rule of its own.
///
/// The words are kept for the life of the process, up to [`MAX`](Self::MAX) different ones. Every
/// further word reads "custom".
///
/// ```
/// use seawall_core::{Label, Reason};
///
/// let busy = Label::new("busy");
/// assert_eq!((busy, busy.as_str()), (Label::new("busy"), "busy"));
/// assert_eq!(Reason::Custom(busy).to_string(), "busy");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(Index);

/// A byte with few values: `Reason::Custom(label)` fits one byte then, and errors stay small.
#[rustfmt::skip]
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Index {
    W0, W1, W2, W3, W4, W5, W6, W7,
    W8, W9, W10, W11, W12, W13, W14, W15,
    W16, W17, W18, W19, W20, W21, W22, W23,
    W24, W25, W26, W27, W28, W29, W30, W31,
    Fallback,
}

#[rustfmt::skip]
const ALL: [Index; Label::MAX] = {
    use Index::{
        W0, W1, W2, W3, W4, W5, W6, W7,
        W8, W9, W10, W11, W12, W13, W14, W15,
        W16, W17, W18, W19, W20, W21, W22, W23,
        W24, W25, W26, W27, W28, W29, W30, W31,
    };
    [
        W0, W1, W2, W3, W4, W5, W6, W7,
        W8, W9, W10, W11, W12, W13, W14, W15,
        W16, W17, W18, W19, W20, W21, W22, W23,
        W24, W25, W26, W27, W28, W29, W30, W31,
    ]
};

static WORDS: [OnceLock<&'static str>; Label::MAX] = [const { OnceLock::new() }; Label::MAX];

impl Label {
    /// How many different words a process can have.
    pub const MAX: usize = 32;

    /// The label that reads `word`. In snake case it serves as a metric label, too.
    ///
    /// Compares `word` with those that were made before: make a label once, where the policy is
    /// built.
    pub fn new(word: &'static str) -> Self {
        let mut places = ALL.iter().zip(&WORDS);
        let found = places.find(|(_, place)| *place.get_or_init(|| word) == word);
        Self(found.map_or(Index::Fallback, |(index, _)| *index))
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        WORDS.get(self.0 as usize).and_then(OnceLock::get).copied().unwrap_or("custom")
    }

    pub(crate) const fn code(self) -> u8 {
        self.0 as u8
    }

    /// The label with this [code](Self::code).
    pub(crate) const fn of(code: usize) -> Option<Self> {
        match code {
            Self::MAX => Some(Self(Index::Fallback)),
            _ if code < Self::MAX => Some(Self(ALL[code])),
            _ => None,
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
