//! What holds for the tree as a whole: its documents, its layout, its English.

use std::fs;
use std::path::{Path, PathBuf};

mod diagrams;
mod documents;
mod english;
mod index;
mod layout;

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a member of the workspace").into()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths
}

/// The files in `folder` and in all folders inside it, but for those of a build.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let (folders, plain): (Vec<_>, Vec<_>) =
        entries(folder).into_iter().partition(|path| path.is_dir());
    let mut found: Vec<_> =
        plain.into_iter().filter(|it| it.extension().is_some_and(|it| it == extension)).collect();
    let is_source = |it: &&PathBuf| !it.ends_with("target");
    found.extend(folders.iter().filter(is_source).flat_map(|it| files(it, extension)));
    found
}

/// Every page and every source of the tree.
fn pages_and_sources() -> Vec<PathBuf> {
    let mut found: Vec<_> = entries(&root())
        .into_iter()
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect();
    for folder in ["crates", "examples", "benches", "docs"] {
        found.extend(files(&root().join(folder), "rs"));
        found.extend(files(&root().join(folder), "md"));
    }
    found
}

/// A path as the architecture page gives it.
fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
