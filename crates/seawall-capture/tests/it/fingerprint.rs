//! Which failures get the same fingerprint.

use std::collections::{HashMap, HashSet};
use std::fmt;

use proptest::prelude::*;
use seawall_capture::fingerprint::{Rules, VERSION, normalise};
use seawall_capture::{Capture, Draft, Fingerprint, GroupedBy, Grouping};

fn capture() -> Capture {
    Capture::builder().without_backtraces().build().unwrap()
}

fn grouping(draft: Draft) -> Grouping {
    capture().prepare(draft).grouping
}

fn of(message: &str) -> Fingerprint {
    grouping(Draft::new("E", message)).fingerprint
}

fn fixtures() -> Vec<Vec<&'static str>> {
    include_str!("../fixtures/messages.txt")
        .split("\n\n")
        .map(|group| group.lines().filter(|line| !line.starts_with('#')).collect())
        .collect()
}

#[test]
fn a_hundred_messages_are_grouped_as_a_reader_would_group_them() {
    let groups = fixtures();
    assert!(groups.iter().map(Vec::len).sum::<usize>() >= 100);
    let mut of_fingerprint = HashMap::new();
    for (number, group) in groups.iter().enumerate() {
        for message in group {
            let here = of_fingerprint.entry(of(message)).or_insert(number);
            let normal = normalise(message);
            assert_eq!(
                *here, number,
                "`{message}` ({normal}) is in the group of `{}`",
                groups[*here][0]
            );
        }
        let fingerprints: HashSet<_> = group.iter().map(|message| of(message)).collect();
        let normal: Vec<_> = group.iter().map(|message| normalise(message)).collect();
        assert_eq!(fingerprints.len(), 1, "{normal:#?}");
    }
}

#[test]
fn the_vectors_hold() {
    for line in include_str!("../vectors.txt").lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split('\t').collect();
        let [version, by, fingerprint, type_name, text] = parts[..] else { panic!("{line}") };
        let draft = match by {
            "explicit" => Draft::new(type_name, "").fingerprint(text),
            _ => Draft::new(type_name, text),
        };
        let grouping = grouping(draft);
        assert_eq!(version, VERSION.to_string());
        assert_eq!(grouping.fingerprint.to_string(), fingerprint, "{line}");
        assert_eq!(grouping.by.to_string(), by);
        assert_eq!(grouping.version, VERSION);
    }
}

#[test]
fn kinds_of_what_varies() {
    for (text, normal) in [
        ("mail ann@example.org now", "mail <email> now"),
        ("see https://a.b/c?d=e&f=(g), then go", "see <url>, then go"),
        ("db.example.com and localhost:80", "<host> and <host>"),
        ("10.0.0.1, ::1 and fe80::1%eth0", "<ip> and <ip>"),
        ("10.0.0.0/8 is private", "<ip> is private"),
        ("id=550e8400-e29b-41d4-a716-446655440000;", "id=<uuid>;"),
        ("order_550e8400-e29b-41d4-a716-446655440000.json", "order_<uuid>.json"),
        ("at 2024-01-02 03:04:05.678", "at <date>"),
        ("took 1.5ms", "took <duration>"),
        ("took 12 s", "took <num> s"),
        ("addr 0xDEADBEEF", "addr <hex>"),
        ("-5, +7 and 1e-9", "<num> and <num>"),
        ("a \"quoted \\\" text\" b", "a <str> b"),
        ("an \"open quote", "an \"open quote"),
        ("/usr/lib/x.so: bad", "<path>: bad"),
        ("either/or, I/O", "either/or, I/O"),
        ("std::io::Error in main.rs", "std::io::Error in main.rs"),
        ("GET /users/5?x=1&y=2 failed", "GET <path> failed"),
        ("tabs\tand\n\nlines", "tabs and lines"),
        ("  edges  ", "edges"),
        ("größe 5 überschritten", "größe <num> überschritten"),
        ("status: 503; code=1045", "status: 503; code=1045"),
        ("status of 503", "status of <num>"),
        ("", ""),
    ] {
        assert_eq!(normalise(text), normal, "{text}");
    }
}

#[derive(Debug)]
struct Outer(Inner);
#[derive(Debug)]
struct Inner(&'static str);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("request failed")
    }
}
impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
impl std::error::Error for Inner {}
impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn type_and_root_cause_tell_failures_apart() {
    let of = |inner| grouping(Draft::error(&Outer(Inner(inner)))).fingerprint;
    assert_ne!(of("refused"), of("no such host"));
    assert_eq!(of("refused after 5"), of("refused after 6"));
    let by_type = |name| grouping(Draft::new(name, "x")).fingerprint;
    assert_ne!(by_type("A"), by_type("B"));
}

#[test]
fn an_explicit_key_wins() {
    let one = grouping(Draft::new("A", "x").fingerprint("k"));
    let other = grouping(Draft::new("B", "y").fingerprint("k"));
    assert_eq!(one, other);
    assert_eq!(one.by, GroupedBy::Explicit);
}

#[test]
fn rules_are_held_against_a_failure_in_their_order() {
    let rules = Rules::parse(
        "# comment\n\
         type:*Timeout !tag.env:test -> timeouts\n\
         \n\
         message:\"*out of ?emory*\" -> memory {tag.zone}\n\
         module:shop::* -> {module}",
    )
    .unwrap_or_else(|error| panic!("{error}"));
    let capture = Capture::builder().rules(rules).build().unwrap();
    let by = |draft| capture.prepare(draft).grouping;
    let timeout = by(Draft::new("db::Timeout", "1"));
    assert_eq!(timeout.by, GroupedBy::Rule { line: 2 });
    assert_eq!(timeout.fingerprint, by(Draft::new("web::Timeout", "2")).fingerprint);
    assert_eq!(by(Draft::new("E", "so OUT OF MEMORY here")).by, GroupedBy::Rule { line: 4 });
    let module = by(Draft::new("shop::cart::E", "x"));
    assert_eq!(module.fingerprint, by(Draft::new("shop::cart::F", "y")).fingerprint);
    assert_eq!(by(Draft::new("F", "x")).by, GroupedBy::Message);
}

#[test]
fn a_bad_rule_refuses_the_whole_set_with_its_line() {
    for (text, line, why) in [
        ("\n\ntype:x", 3, "no `->`"),
        ("-> x", 1, "no matcher"),
        ("type:x ->", 1, "no group"),
        ("type:x -> a\ntyp:x -> b", 2, "`typ` is none of"),
        ("tag.:x -> b", 1, "`tag.` is none of"),
        ("type:\"x -> b", 1, "never closed"),
        ("type: -> b", 1, "an empty pattern"),
        ("type -> b", 1, "not of the form"),
        ("type:x -> {b", 1, "never closed"),
        ("type:x -> {message}", 1, "a group of each message"),
    ] {
        let error = Rules::parse(text).expect_err(text);
        assert_eq!(error.line, line, "{text}");
        assert!(error.why.contains(why), "{text}: {error}");
    }
    let many = "type:x -> y\n".repeat(Rules::MAX + 1);
    assert_eq!(Rules::parse(&many).unwrap_err().line, 1_001);
    assert!(Rules::parse(&format!("type:{} -> y", "x".repeat(2_000))).is_err());
}

#[test]
fn frames_group_without_line_numbers() {
    let report = |line| {
        let trace = format!(
            "   0: std::panicking::begin_panic\n             at /rustc/x/panicking.rs:{line}:1\n   \
             1: shop::cart::total::h0123456789abcde{}\n             at ./src/cart.rs:{line}:9\n",
            line % 10
        );
        let mut report = seawall_core::contain(|| panic!("boom {line}")).unwrap_err();
        report.backtrace = Some(trace.into());
        report
    };
    let (one, other) = (grouping(Draft::panic(&report(11))), grouping(Draft::panic(&report(99))));
    assert_eq!(one, other);
    assert_eq!(one.by, GroupedBy::Frames);
}

#[test]
fn a_fingerprint_is_32_hexadecimal_digits() {
    let fingerprint = of("x");
    assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    for bad in ["", "123", &"g".repeat(32), &"+".repeat(32), &"0".repeat(33)] {
        assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn normalising_never_fails_and_ends(text in any::<String>()) {
        let normal = normalise(&text);
        prop_assert!(normal.len() <= text.len() * 5 + 10);
        let parted = normal.contains('\u{1f}');
        prop_assert!(!parted);
    }

    #[test]
    fn hostile_punctuation_is_survived(text in "[ a0'\"`:/@.<>(){}\\[\\],;=|_é日\\\\-]{0,60}") {
        let _ = normalise(&text);
        let _ = seawall_capture::Redactor::default().key("a").text(&text);
    }

    #[test]
    fn numbers_do_not_matter(a in 0_u32..1_000_000, b in 0_u32..1_000_000) {
        prop_assert_eq!(of(&format!("item {a} is gone")), of(&format!("item {b} is gone")));
    }
}

#[derive(Debug)]
struct LoadError(std::io::Error);

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the order can't be loaded")
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn a_wrapped_error_is_another_group_unless_a_rule_joins_them() {
    let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let groups = |capture: Capture| {
        [Draft::error(&refused()), Draft::error(&LoadError(refused()))]
            .map(|draft| capture.prepare(draft).grouping.fingerprint)
    };
    let [plain, wrapped] = groups(Capture::builder().without_backtraces().build().unwrap());
    assert_ne!(plain, wrapped);
    let rules =
        Rules::parse("message:\"connection refused*\" -> db\ntype:*LoadError -> db").unwrap();
    let [plain, wrapped] = groups(Capture::builder().rules(rules).build().unwrap());
    assert_eq!(plain, wrapped);
}
