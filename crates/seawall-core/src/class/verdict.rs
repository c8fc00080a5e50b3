use crate::Class;

/// What a classifier says about an outcome: its class, and whether the operation may have been carried
/// out.
///
/// A [`Class`] is one by itself: its operation may have been carried out.
/// [`Class::not_carried_out`] makes the other kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// What the outcome means to the policies.
    pub class: Class,
    /// Whether the operation may have been carried out.
    pub carried_out: CarriedOut,
}

/// Whether an operation that failed may have been carried out all the same.
///
/// | | repeated | examples |
/// |---|---|---|
/// | `No` | unless the caller forbids it | a refusal by one of our own policies, a failed connect |
/// | `Maybe` | only if the caller says that this does no harm | a timeout, a reset, 429, 503 |
///
/// An answer that says "overloaded" proves nothing: a proxy answers 503 for a server that is still at
/// work on the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CarriedOut {
    /// Certainly not.
    No,
    /// Nobody knows.
    #[default]
    Maybe,
}

impl CarriedOut {
    /// The fact as a word, for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Maybe => "maybe",
        }
    }
}

impl From<Class> for Verdict {
    fn from(class: Class) -> Self {
        Self { class, carried_out: CarriedOut::Maybe }
    }
}
