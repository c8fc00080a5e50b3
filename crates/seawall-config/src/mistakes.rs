//! What is wrong with a document: all of it at once.

use std::fmt;
use std::sync::Arc;

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    source: Arc<str>,
    line: u32,
    column: u32,
}

impl Place {
    pub(crate) const fn new(source: Arc<str>, line: u32, column: u32) -> Self {
        Self { source, line, column }
    }

    /// The name of the file, of the environment variable, or of the format where a text was given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The line, counted from 1; 0 where the source has no lines.
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// The column in characters, counted from 1; 0 where the source has no lines.
    pub const fn column(&self) -> u32 {
        self.column
    }
}

impl fmt::Display for Place {
    /// `settings.toml:7:3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.source),
            line => write!(f, "{}:{line}:{}", self.source, self.column),
        }
    }
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// The field: `pipelines.inventory.timeout`. Empty where the document can't be parsed.
    pub path: String,
    /// Where it stands, where that is known.
    pub place: Option<Place>,
    /// What was given.
    pub given: String,
    /// What is allowed; completes the sentence "must be …".
    pub allowed: String,
}

impl fmt::Display for Mistake {
    /// `settings.toml:7:3: pipelines.inventory.timeout is 2, but must be a time with a unit`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, place, given, allowed } = self;
        if let Some(place) = place {
            write!(f, "{place}: ")?;
        }
        if path.is_empty() {
            write!(f, "{given}")
        } else {
            write!(f, "{path} is {given}, but must be {allowed}")
        }
    }
}

/// All that is wrong with a document, in the order in which it stands there. Displayed, each has a
/// line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// How many mistakes are displayed; the others are only counted.
    pub const MOST: usize = 100;

    pub(crate) fn one(place: Option<Place>, given: impl Into<String>) -> Self {
        let (path, allowed) = (String::new(), String::new());
        Self(vec![Mistake { path, place, given: given.into(), allowed }])
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.0.iter()
    }
}

impl<'m> IntoIterator for &'m Mistakes {
    type Item = &'m Mistake;
    type IntoIter = std::slice::Iter<'m, Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.iter().take(Self::MOST).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        match self.0.len().saturating_sub(Self::MOST) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Mistakes {}

/// Where mistakes are noted.
#[derive(Debug, Default)]
pub(crate) struct Notes(Vec<Mistake>);

impl Notes {
    pub(crate) fn refuse(
        &mut self,
        path: impl Into<String>,
        place: &Place,
        given: impl fmt::Display,
        allowed: impl fmt::Display,
    ) {
        let mistake = Mistake {
            path: path.into(),
            place: Some(place.clone()),
            given: given.to_string(),
            allowed: allowed.to_string(),
        };
        // Two pipelines that inherit one line have one mistake.
        if !self.0.iter().any(|it| it.place == mistake.place && it.given == mistake.given) {
            self.0.push(mistake);
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn finish<T>(self, value: T) -> Result<T, Mistakes> {
        if self.0.is_empty() { Ok(value) } else { Err(self.into_mistakes()) }
    }

    pub(crate) fn into_mistakes(mut self) -> Mistakes {
        let order = |it: &Mistake| it.place.as_ref().map(|place| (place.line, place.column));
        self.0.sort_by_key(order);
        Mistakes(self.0)
    }
}

/// The word of `words` that is nearest to `given`: at most two letters differ.
pub(crate) fn nearest<'w>(
    given: &str,
    words: impl IntoIterator<Item = &'w str>,
) -> Option<&'w str> {
    let distance = |word: &&str| strsim::osa_distance(given, word);
    let nearest = words.into_iter().min_by_key(distance)?;
    (distance(&nearest) <= 2).then_some(nearest)
}

/// "one of: a, b, c"; where one is near to `given`, that and the others.
pub(crate) fn one_of<'w>(given: &str, words: impl IntoIterator<Item = &'w str> + Clone) -> String {
    let near = nearest(given, words.clone());
    let others: Vec<&str> = words.into_iter().filter(|word| Some(*word) != near).collect();
    match (near, others.is_empty()) {
        (Some(near), true) => near.to_owned(),
        (Some(near), false) => format!("{near}, or another of: {}", others.join(", ")),
        (None, true) => "left out: there is none".to_owned(),
        (None, false) => format!("one of: {}", others.join(", ")),
    }
}
