//! The index of `docs/architecture.md`: each symbol is defined in the file that the page names.

use std::path::Path;

use crate::{read, root};

/// The rows of the table below the heading "Where to look": question, file, symbol.
fn rows(page: &str) -> Vec<[&str; 3]> {
    let section = page.split("\n## Where to look\n").nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap_or(section);
    section
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains(".rs"))
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(|it| it.trim().trim_matches('`'));
            std::array::from_fn(|_| cells.next().expect("three cells"))
        })
        .collect()
}

/// Whether `source` defines `symbol`: `name`, or `Type::name` for what stands in an `impl`.
fn defines(source: &str, symbol: &str) -> bool {
    let name = symbol.rsplit("::").next().unwrap_or(symbol);
    let kinds = ["fn", "struct", "enum", "trait", "const", "static", "type", "mod"];
    source.lines().map(str::trim_start).filter(|line| !line.starts_with("//")).any(|line| {
        kinds.iter().any(|kind| {
            let start = format!("{kind} {name}");
            line.match_indices(&start).any(|(at, _)| {
                let is_word = |c: char| c.is_alphanumeric() || c == '_';
                !line[..at].ends_with(is_word) && !line[at + start.len()..].starts_with(is_word)
            })
        })
    })
}

#[test]
fn every_symbol_is_defined_where_the_index_says() {
    let page = read(&root().join("docs/architecture.md"));
    let rows = rows(&page);
    assert!(rows.len() >= 15, "only {} questions", rows.len());
    for [question, file, symbol] in rows {
        let path = root().join("crates").join(Path::new(file));
        assert!(path.exists(), "{question}: there is no {file}");
        assert!(defines(&read(&path), symbol), "{question}: {file} does not define {symbol}");
    }
}

#[test]
fn a_definition_differs_from_a_use() {
    let source = "    pub(crate) fn verdict(&self) {}\n// fn other() {}\nlet x = verdict_of();";
    assert!(defines(source, "HalfOpen::verdict"));
    assert!(!defines(source, "other"));
    assert!(!defines(source, "verdict_of"));
}
