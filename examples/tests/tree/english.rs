//! The rule for English of `CONTRIBUTING.md`, as far as a test can hold the tree to it.

use std::path::Path;

use crate::{pages_and_sources, read, shown};

/// Words for people, which may stand before it.
const PEOPLE: [&str; 22] = [
    "all",
    "anybody",
    "anyone",
    "author",
    "authors",
    "callers",
    "client",
    "colleagues",
    "developers",
    "engineers",
    "everybody",
    "everyone",
    "maintainers",
    "nobody",
    "operators",
    "people",
    "person",
    "readers",
    "somebody",
    "someone",
    "those",
    "users",
];

/// Words that this tree once had a meaning of its own for, and how often each may stand in comments
/// and pages: a tenth of what it was.
const RARE: [(&str, usize); 7] = [
    ("told", 26),
    ("so many", 5),
    ("comes to", 6),
    ("came to", 4),
    ("lent", 1),
    ("heed", 0),
    ("beside", 7),
];

/// What a reader sees of a line: all of a page, the comment of a source.
fn prose<'t>(path: &Path, line: &'t str) -> &'t str {
    if path.extension().is_some_and(|it| it == "md") {
        return line;
    }
    line.find("//").map_or("", |start| line[start..].trim_start_matches(['/', '!']))
}

/// The page that gives the rule shows what breaks it.
fn is_example(line: &str) -> bool {
    line.contains("| BAD |") || line.contains("\"who\"") || line.contains("\"Who\"")
}

fn words(line: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || "_'".contains(c);
    line.split(|c| !is_word(c)).filter(|it| !it.is_empty()).map(str::to_lowercase).collect()
}

#[test]
fn who_stands_only_after_a_word_for_people() {
    let mut wrong = Vec::new();
    for path in pages_and_sources() {
        let text = read(&path);
        let mut before = String::new();
        for (number, line) in text.lines().enumerate() {
            if is_example(line) {
                continue;
            }
            for word in words(prose(&path, line)) {
                if word == "who" && !PEOPLE.contains(&before.as_str()) {
                    wrong.push(format!("{}:{}: {}", shown(&path), number + 1, line.trim()));
                }
                before = word;
            }
        }
    }
    assert!(wrong.is_empty(), "say \"callers that\", or name whom you mean:\n{}", wrong.join("\n"));
}

#[test]
fn words_of_a_private_dialect_stay_rare() {
    let mut counts = RARE.map(|(word, _)| (word, 0));
    for path in pages_and_sources() {
        for line in read(&path).lines().filter(|line| !is_example(line)) {
            let text = format!(" {} ", words(prose(&path, line)).join(" "));
            for (word, count) in &mut counts {
                *count += text.matches(&format!(" {word} ")).count();
            }
        }
    }
    let over: Vec<_> =
        counts.iter().zip(RARE).filter(|((_, count), (_, most))| count > most).collect();
    assert!(over.is_empty(), "found, and allowed: {over:?}");
}
