//! Patterns with `*` and `?`.

/// Whether `pattern` matches the whole of `text`: `*` is any text, `?` one character, case does not
/// matter for ASCII letters. Takes time in proportion to the product of both lengths at worst, and
/// no recursion.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // The last star, and up to where it has swallowed the text.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                t += width(text[t]);
            }
            Some(byte) if byte.eq_ignore_ascii_case(&text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match &mut star {
                Some((at, swallowed)) => {
                    *swallowed += 1;
                    (p, t) = (*at + 1, *swallowed);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// How many bytes the character has that begins with `byte`.
fn width(byte: u8) -> usize {
    match byte {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs() {
        for (pattern, text, holds) in [
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            ("?", "é", true),
            ("?", "日", true),
            ("a*b", "ab", true),
            ("a*b", "axxb", true),
            ("a*b", "axxbc", false),
            ("*timeout*", "Connection TIMEOUT after", true),
            ("a*a*a", "aa", false),
            ("**x**", "x", true),
            ("a?c", "abc", true),
        ] {
            assert_eq!(matches(pattern, text), holds, "{pattern} against {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = "a*".repeat(100) + "b";
        assert!(!matches(&pattern, &"a".repeat(4_000)));
    }
}
