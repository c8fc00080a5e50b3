//! Frames of a stack, read from the text of a backtrace.

use serde::{Deserialize, Serialize};

use super::limits;
use crate::text::bounded;

/// A frame of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Frame {
    /// The function, without the hash that the compiler appends.
    pub function: String,
    /// The file, where the symbols say so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// The line in it, counted from 1, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Whether it is the application's code, not that of the standard library, of the runtime, or
    /// of this toolkit.
    pub in_app: bool,
}

/// Crates whose frames are never the application's.
const FOREIGN: [&str; 16] = [
    "std",
    "core",
    "alloc",
    "backtrace",
    "tokio",
    "tokio_util",
    "futures",
    "futures_core",
    "futures_util",
    "futures_executor",
    "tracing",
    "tracing_core",
    "tracing_subscriber",
    "test",
    "pin_project",
    "parking_lot",
];

/// Symbols around `main`, which have no path.
const START: [&str; 9] = [
    "main",
    "_start",
    "start_thread",
    "clone",
    "clone3",
    "__libc_start_main",
    "__libc_start_call_main",
    "rust_begin_unwind",
    "rust_panic",
];

/// Reads the frames out of a backtrace as `std` writes it, from the one where it was taken
/// outwards; at most [`limits::FRAMES`].
///
/// Lines that are neither a numbered function nor its `at file:line:column` are passed over, so a
/// text that is no backtrace gives no frames.
pub fn frames_of(backtrace: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in backtrace.lines() {
        let line = line.trim_start();
        if let Some(place) = line.strip_prefix("at ") {
            if let Some(frame) = frames.last_mut().filter(|frame| frame.file.is_empty()) {
                set_place(frame, place);
            }
        } else if let Some(function) = numbered(line) {
            if frames.len() == limits::FRAMES {
                break;
            }
            frames.push(frame(function));
        }
    }
    frames
}

/// The function of `12: path::to::function`, or of `12: 0xaddress - path::to::function`.
fn numbered(line: &str) -> Option<&str> {
    let (number, function) = line.split_once(": ")?;
    let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let function = function.trim();
    let function = match function.split_once(" - ") {
        Some((address, function)) if address.starts_with("0x") => function,
        _ => function,
    };
    numbered.then_some(function).filter(|function| !function.is_empty())
}

fn frame(function: &str) -> Frame {
    let function = without_hash(function);
    let in_app = is_in_app(function);
    Frame { function: bounded(function, limits::FUNCTION), file: String::new(), line: None, in_app }
}

/// `path::h0123456789abcdef` without its last part.
fn without_hash(function: &str) -> &str {
    match function.rsplit_once("::h") {
        Some((path, hash))
            if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            path
        }
        _ => function,
    }
}

fn set_place(frame: &mut Frame, place: &str) {
    let mut parts = place.rsplitn(3, ':');
    let (column, line, file) = (parts.next(), parts.next(), parts.next());
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    match (number(column), number(line), file) {
        (Some(_), Some(line), Some(file)) => {
            frame.file = bounded(file, limits::FILE);
            frame.line = Some(line);
        }
        _ => frame.file = bounded(place, limits::FILE),
    }
}

/// Whether a function is the application's.
fn is_in_app(function: &str) -> bool {
    // `<alloc::boxed::Box<F> as core::ops::FnOnce>::call` belongs to the type that is named first.
    let path = function.trim_start_matches(['<', '&', '_', ' ']);
    let path = path.strip_prefix("mut ").or_else(|| path.strip_prefix("dyn ")).unwrap_or(path);
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
    let (krate, rest) = path.split_at(end);
    if !rest.starts_with("::") {
        // No path: `main`, symbols of C, and `<F as Trait>` of a bare type parameter.
        let unknown = START.contains(&krate) || function.starts_with(['<', '_']);
        return !unknown && function != "<unknown>" && !krate.is_empty();
    }
    !FOREIGN.contains(&krate) && krate != "seawall" && !krate.starts_with("seawall_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
   0: std::backtrace_rs::backtrace::libunwind::trace
             at /rustc/abc/library/std/src/../../backtrace/src/backtrace/libunwind.rs:116:5
   1: <alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once
   2: seawall_capture::capture::Capture::error::h0123456789abcdef
   3: billing::invoice::total
             at ./src/invoice.rs:42:9
   4: <shop::Cart as shop::Priced>::price::{{closure}}
   5: tokio::runtime::task::raw::poll
   6: 0x7f00deadbeef - shop::main
   7: main
   8: <unknown>
";

    #[test]
    fn frames_are_read_and_the_applications_marked() {
        let frames = frames_of(TEXT);
        let ours: Vec<_> =
            frames.iter().filter(|frame| frame.in_app).map(|f| f.function.as_str()).collect();
        assert_eq!(frames.len(), 9);
        assert_eq!(
            ours,
            [
                "billing::invoice::total",
                "<shop::Cart as shop::Priced>::price::{{closure}}",
                "shop::main"
            ]
        );
        assert_eq!((frames[3].file.as_str(), frames[3].line), ("./src/invoice.rs", Some(42)));
        assert_eq!(frames[2].function, "seawall_capture::capture::Capture::error");
    }

    #[test]
    fn a_text_that_is_no_backtrace_gives_no_frames() {
        assert!(frames_of("").is_empty());
        assert!(frames_of("disabled backtrace").is_empty());
        assert!(frames_of("at nowhere:1:1\nat: all\n::::").is_empty());
        let many = "1: a::b\n".repeat(1_000);
        assert_eq!(frames_of(&many).len(), limits::FRAMES);
    }

    #[test]
    fn a_real_backtrace_is_read() {
        let text = std::backtrace::Backtrace::force_capture().to_string();
        let frames = frames_of(&text);
        assert!(frames.iter().any(|frame| frame.function.contains("a_real_backtrace_is_read")));
    }
}
