//! The documents of the repository: links lead somewhere, and the index of decisions is complete.

use std::path::{Path, PathBuf};

use crate::{entries, read, root};

/// The Markdown files in `folder`, not in those inside it.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let is_page = |path: &PathBuf| path.extension().is_some_and(|it| it == "md");
    entries(folder).into_iter().filter(is_page).collect()
}

/// The Markdown files in `folder` and in all folders inside it.
fn all_pages(folder: &Path) -> Vec<PathBuf> {
    let folders = entries(folder).into_iter().filter(|path| path.is_dir());
    pages(folder).into_iter().chain(folders.flat_map(|it| all_pages(&it))).collect()
}

/// The targets: the text between `](` and `)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    let root = root();
    let mut pages = pages(&root);
    for folder in ["docs", "benches", "crates"] {
        pages.extend(all_pages(&root.join(folder)));
    }
    let mut checked = 0;
    for page in pages {
        for link in links(&read(&page)) {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let target = page.parent().expect("in a folder").join(file);
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} links were found");
}

#[test]
fn the_first_code_of_the_readme_is_that_of_the_tested_guide() {
    let code = |page: &str, opening: &str| {
        let text = read(&root().join(page));
        let code = text.split(opening).nth(1).and_then(|rest| rest.split("```").next());
        code.unwrap_or_else(|| panic!("{page} has no {opening}")).to_owned()
    };
    let readme = code("README.md", "```rust,ignore\n");
    assert_eq!(readme, code("docs/guides/reqwest.md", "```rust,no_run\n"));
}

#[test]
fn every_decision_is_in_the_index_with_its_title() {
    let folder = root().join("docs/decisions");
    let index = read(&folder.join("README.md"));
    let mut missing = Vec::new();
    for page in pages(&folder) {
        let file = page.file_name().expect("a file").to_str().expect("text");
        let text = read(&page);
        let Some((number, title)) =
            text.lines().next().and_then(|line| line.strip_prefix("# ")?.split_once(": "))
        else {
            continue;
        };
        let line = format!("- [{number}]({file}) {title}");
        if !index.lines().any(|it| it == line) {
            missing.push(line);
        }
    }
    assert!(missing.is_empty(), "not in docs/decisions/README.md:\n{}", missing.join("\n"));
}

/// The last column of the tables of mechanisms: `file::test`, or the file of a single test.
#[test]
fn every_test_of_the_mechanisms_is_there() {
    let page = read(&root().join("docs/http-mechanisms.md"));
    let rows = page.lines().filter(|line| line.starts_with("| G"));
    let tests = rows.filter_map(|row| row.rsplit('|').nth(1));
    let mut checked = 0;
    for test in tests.flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
        let (file, name) = test.split_once("::").unwrap_or((test, ""));
        let folders = ["seawall-http/tests/it", "seawall-http/tests", "seawall-tower/tests/it"];
        let files = folders.map(|folder| root().join(format!("crates/{folder}/{file}.rs")));
        let source = files.iter().find(|file| file.exists()).map(|file| read(file));
        let source = source.unwrap_or_else(|| panic!("there is no file of {test}"));
        assert!(source.contains(&format!("fn {name}")), "there is no test {test}");
        checked += 1;
    }
    assert!(checked > 30, "only {checked} tests were found");
}
