//! How deep a template may go, found out before it is parsed: the parser recurses without a bound,
//! and a stack that ends takes the process with it.

/// The longest template, in bytes.
const LENGTH: usize = 256 << 10;
/// The longest tag, in bytes. It bounds what an expression may nest.
const TAG: usize = 1_024;
/// How deep blocks may be nested; each `elif` is one more, as it is to the parser.
const DEPTH: usize = 64;

/// Tags that open no block.
const INLINE: [&str; 8] =
    ["else", "include", "import", "from", "extends", "do", "break", "continue"];

/// What is wrong with `source`, if it is too long or too deep, and in which line.
pub(super) fn refused(source: &str) -> Option<(usize, String)> {
    if source.len() > LENGTH {
        return Some((1, format!("longer than {LENGTH} bytes")));
    }
    // For each open block, how many levels it stands for.
    let mut open: Vec<usize> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while let Some(start) = source[at..].find('{').map(|start| at + start) {
        let rest = &source[start..];
        let Some(close) = closing(rest) else {
            at = start + 1;
            continue;
        };
        let line = 1 + source[..start].matches('\n').count();
        let length = rest.find(close).map_or(rest.len(), |end| end + close.len());
        if close != "#}" && length > TAG {
            return Some((line, format!("a tag longer than {TAG} bytes")));
        }
        if close == "%}" {
            let word = rest[2..].trim_start_matches(['-', '+', ' ', '\t', '\n', '\r']);
            let end = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
            depth = depth_after(&word[..end], &rest[..length], &mut open, depth);
        }
        if depth > DEPTH {
            return Some((line, format!("blocks nested deeper than {DEPTH}")));
        }
        at = start + length;
    }
    None
}

/// What closes the tag that `text` begins with, if it begins with one.
fn closing(text: &str) -> Option<&'static str> {
    match text.as_bytes().get(1)? {
        b'{' => Some("}}"),
        b'%' => Some("%}"),
        b'#' => Some("#}"),
        _ => None,
    }
}

fn depth_after(word: &str, tag: &str, open: &mut Vec<usize>, depth: usize) -> usize {
    if word.starts_with("end") {
        return depth - open.pop().unwrap_or(0);
    }
    if word == "elif"
        && let Some(levels) = open.last_mut()
    {
        *levels += 1;
        return depth + 1;
    }
    let inline = INLINE.contains(&word) || (word == "set" && tag.contains('='));
    if inline {
        return depth;
    }
    open.push(1);
    depth + 1
}
