//! What the report of a stack has to keep.

use crate::figures::{Figures, Unit};
use crate::time;

/// `recovery < 1s and loss < 4s`, of one stack or of all.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Promise {
    /// As it is written.
    pub(crate) text: String,
    /// Whose; `None` is every stack of the file.
    pub(crate) stack: Option<String>,
    /// Of the median over the seeds rather than of the worst.
    pub(crate) median: bool,
    pub(crate) parts: Vec<Part>,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) text: String,
    pub(crate) word: &'static str,
    comparison: Comparison,
    limit: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
}

impl Part {
    /// Whether a figure keeps it.
    #[expect(clippy::float_cmp, reason = "counts that are to be exactly this")]
    pub(crate) fn holds(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Below => value < self.limit,
            Comparison::AtMost => value <= self.limit,
            Comparison::Above => value > self.limit,
            Comparison::AtLeast => value >= self.limit,
            Comparison::Equal => value == self.limit,
        }
    }

    /// Whether smaller figures keep it rather than larger ones.
    pub(crate) fn wants_less(&self) -> bool {
        !matches!(self.comparison, Comparison::Above | Comparison::AtLeast)
    }
}

/// Reads the comparisons of `text`, or says what is wrong.
pub(crate) fn parse(text: &str) -> Result<Vec<Part>, String> {
    text.split(" and ").map(|part| self::part(part.trim())).collect()
}

fn part(text: &str) -> Result<Part, String> {
    let words: Vec<_> = Figures::WORDS.iter().map(|word| word.name).collect();
    let [name, sign, value] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        return Err(format!("{text:?}; a part is `word < value`, with blanks around the sign"));
    };
    let Some(word) = Figures::WORDS.iter().find(|word| word.name == name) else {
        return Err(format!("the unknown word {name:?}; known are {}", words.join(", ")));
    };
    let comparison = match sign {
        "<" => Comparison::Below,
        "<=" => Comparison::AtMost,
        ">" => Comparison::Above,
        ">=" => Comparison::AtLeast,
        "==" => Comparison::Equal,
        _ => return Err(format!("the sign {sign:?}; known are <, <=, >, >=, ==")),
    };
    let limit = match word.unit {
        Unit::Seconds => time::parse(value).map(time::seconds),
        Unit::Share => match value.strip_suffix('%') {
            Some(percent) => percent.parse().ok().map(|percent: f64| percent / 100.0),
            None => value.parse().ok(),
        },
        Unit::Number => value.parse().ok(),
    };
    let limit: Option<f64> = limit.filter(|limit: &f64| limit.is_finite());
    let Some(limit) = limit else {
        let unit = match word.unit {
            Unit::Seconds => "a time such as 1s",
            Unit::Share => "a share such as 0.95 or 95%",
            Unit::Number => "a number",
        };
        return Err(format!("{value:?} for {name}, which is {unit}"));
    };
    Ok(Part { text: text.to_owned(), word: word.name, comparison, limit })
}
