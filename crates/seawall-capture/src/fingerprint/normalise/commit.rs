//! Ids of commits.

use crate::fingerprint::shape::HASH;

/// Whether `word` is the id of a commit: hexadecimal in full length, or, where the word before it
/// `says so`, in any length that git shortens it to.
pub(super) fn is_commit(word: &str, says_so: bool) -> bool {
    let length = matches!(word.len(), 40 | 64) || (says_so && (7..=64).contains(&word.len()));
    length && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `g0123456`, as `git describe` has it after a tag.
pub(super) fn of_described_commit(word: &str) -> Option<&'static str> {
    word.strip_prefix('g').filter(|commit| is_commit(commit, true)).map(|_| HASH)
}
