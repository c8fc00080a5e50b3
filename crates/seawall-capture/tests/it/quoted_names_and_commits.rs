//! What failed says which: names that are quoted count, values that are quoted do not.

use seawall_capture::fingerprint::normalise;
use seawall_capture::{Capture, Draft, Fingerprint};

fn of(message: &str) -> Fingerprint {
    let capture = Capture::builder().without_backtraces().build().unwrap();
    capture.prepare(Draft::new("E", message)).grouping.fingerprint
}

fn differ(messages: &[&str]) {
    for (n, one) in messages.iter().enumerate() {
        for other in &messages[n + 1..] {
            assert_ne!(of(one), of(other), "{one} and {other}: {}", normalise(one));
        }
    }
}

fn alike(messages: &[&str]) {
    for other in &messages[1..] {
        let normal = (normalise(messages[0]), normalise(other));
        assert_eq!(of(messages[0]), of(other), "{} and {}", normal.0, normal.1);
    }
}

#[test]
fn names_make_groups_of_their_own() {
    differ(&["missing field `currency` at line 3", "missing field `amount` at line 3"]);
    differ(&[
        "duplicate key value violates unique constraint \"users_email_key\"",
        "duplicate key value violates unique constraint \"orders_pkey\"",
    ]);
    differ(&[r#"relation "users" does not exist"#, r#"relation "orders" does not exist"#]);
    differ(&[
        r#"null value in column "age" of relation "users""#,
        r#"null value in column "name" of relation "users""#,
        r#"null value in column "age" of relation "orders""#,
    ]);
    differ(&[
        "unknown variant `foo`, expected one of `a`, `b`",
        "unknown variant `foo`, expected `x` or `y`",
        "unknown variant `foo`, expected one of `a`, `b`, `c`",
    ]);
    differ(&["Unknown column 'price' in 'field list'", "Unknown column 'cost' in 'field list'"]);
    differ(&[
        "Duplicate entry 'x' for key 'users.email'",
        "Duplicate entry 'x' for key 'users.tag'",
    ]);
    differ(&[
        "invalid value \"1\" for parameter 'limit'",
        "invalid value \"1\" for parameter 'offset'",
    ]);
}

#[test]
fn values_do_not() {
    alike(&["user \"ann\" not found", "user \"bob\" not found"]);
    alike(&["template 'invoice' not found", "template 'reminder letter' not found"]);
    alike(&[
        "Duplicate entry 'x' for key 'users.email'",
        "Duplicate entry 'yy' for key 'users.email'",
    ]);
    alike(&[
        "invalid value \"1\" for parameter 'limit'",
        "invalid value \"\" for parameter 'limit'",
    ]);
    alike(&["unknown variant `foo`, expected `a`", "unknown variant `bar`, expected `a`"]);
    alike(&["unknown field `a`, expected `b` or `c`", "unknown field `x`, expected `b` or `c`"]);
    // Partitions, and whatever else is numbered.
    alike(&[r#"relation "events_2024_01" is full"#, r#"relation "events_2025_12" is full"#]);
    // A value where a name could be, which no name looks like.
    alike(&[r#"column "a b" is odd"#, r#"column "c d!" is odd"#]);
}

#[test]
fn commits_are_alike_whatever_they_are_made_of() {
    alike(&["at commit 1234567", "at commit abcdefa", "at commit a1b2c3d"]);
    alike(&["HEAD is 1f", "HEAD is 2f"].map(|_| "HEAD: abcdefa"));
    let full =
        ["1", "a", "1a"].map(|digits| format!("built from {}", digits.repeat(40 / digits.len())));
    alike(&full.each_ref().map(String::as_str));
    alike(&["v1.2.3-4-gabcdef0 failed", "v1.2.4-5-gabcdefa failed", "v1.2.4-5-g1234567 failed"]);
    differ(&["commit failed", "commit refused"]);
}

#[test]
fn a_url_with_blanks_is_one_url() {
    alike(&[
        "can't fetch https://a.b/files/my report.pdf: timed out",
        "can't fetch https://a.b/files/my other annual report.pdf: timed out",
        "can't fetch https://a.b/files/report.pdf: timed out",
        "can't fetch https://a.b/a b/c: timed out",
        "can't fetch https://a.b/?q=red shoes&page=2: timed out",
    ]);
    for (text, normal) in [
        ("see https://a.b/c for more", "see <url> for more"),
        ("https://a.b/c timed out after 5/10 tries", "<url> timed out after <num>/<num> tries"),
        ("https://a.b/c: I/O error", "<url>: I/O error"),
        ("https://a.b/c /var/lib/x", "<url> <path>"),
        ("https://a.b/c https://d.e/f", "<url> <url>"),
    ] {
        assert_eq!(normalise(text), normal, "{text}");
    }
}
