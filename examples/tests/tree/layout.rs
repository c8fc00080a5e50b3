//! The table of file roles in `docs/architecture.md`, held in every policy's folder.

use std::path::{Path, PathBuf};

use crate::{entries, files, read, root, shown};

/// Each policy and the folder of its files, below `crates`. A deadline is a value, without a builder.
const POLICIES: [(&str, &str); 14] = [
    ("breaker", "seawall-breaker/src"),
    ("retry", "seawall-retry/src/retry"),
    ("hedge", "seawall-retry/src/hedge"),
    ("timeout", "seawall-guard/src/timeout"),
    ("deadline", "seawall-guard/src/deadline"),
    ("fallback", "seawall-guard/src/fallback"),
    ("panic guard", "seawall-guard/src/panic_guard"),
    ("bulkhead", "seawall-limit/src/bulkhead"),
    ("rate limit", "seawall-limit/src/rate"),
    ("adaptive limit", "seawall-limit/src/adaptive"),
    ("congestion control", "seawall-limit/src/congestion"),
    ("throttle", "seawall-limit/src/throttle"),
    ("shutdown gate", "seawall-shutdown/src/shutdown_gate"),
    ("chaos", "seawall-chaos/src"),
];

/// The files whose name the table gives a meaning, and what a file of that name must define.
const ROLES: [(&str, &str); 5] = [
    ("policy.rs", "Policy for "),
    ("config.rs", "Builder"),
    ("defaults.rs", "pub "),
    ("permit.rs", "Permit"),
    ("future.rs", "Future for "),
];

fn crates() -> PathBuf {
    root().join("crates")
}

#[test]
fn a_module_with_files_of_its_own_stands_beside_their_folder() {
    let sources = entries(&crates()).into_iter().flat_map(|it| files(&it.join("src"), "rs"));
    let old: Vec<_> = sources.filter(|it| it.ends_with("mod.rs")).map(|it| shown(&it)).collect();
    assert!(old.is_empty(), "`x.rs` and `x/`, not `x/mod.rs`: {old:?}");
}

#[test]
fn every_policy_has_its_handle_and_its_builder_where_the_table_says() {
    for (policy, folder) in POLICIES {
        let files: &[_] =
            if policy == "deadline" { &["policy.rs"] } else { &["policy.rs", "config.rs"] };
        for file in files {
            let path = crates().join(folder).join(file);
            assert!(path.exists(), "{policy}: no {folder}/{file}");
        }
    }
}

#[test]
fn a_file_name_means_the_same_in_every_policys_folder() {
    for (policy, folder) in POLICIES {
        for (file, defines) in ROLES {
            let path = crates().join(folder).join(file);
            if path.exists() {
                assert!(read(&path).contains(defines), "{policy}: {file} has no `{defines}`");
            }
        }
    }
}

#[test]
fn no_file_is_named_after_its_folder() {
    let twice = |path: &PathBuf| path.file_stem() == path.parent().and_then(Path::file_name);
    let sources = entries(&crates()).into_iter().flat_map(|it| files(&it.join("src"), "rs"));
    let found: Vec<_> = sources.filter(twice).map(|it| shown(&it)).collect();
    assert!(found.is_empty(), "the handle is `policy.rs`: {found:?}");
}

#[test]
fn the_package_of_every_crate_has_its_readme_and_both_licences() {
    for crate_folder in entries(&crates()) {
        for file in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            // Read through a link, as a package does.
            let text = read(&crate_folder.join(file));
            assert!(!text.trim().is_empty(), "{}/{file} is empty", shown(&crate_folder));
            if file != "README.md" {
                assert_eq!(text, read(&root().join(file)), "{}/{file}", shown(&crate_folder));
            }
        }
        let manifest = read(&crate_folder.join("Cargo.toml"));
        assert!(manifest.contains("readme = \"README.md\""), "{}", shown(&crate_folder));
        let lists = ["include =", "exclude ="].iter().any(|list| manifest.contains(list));
        assert!(!lists, "{}: a list of files may leave a licence out", shown(&crate_folder));
    }
}
