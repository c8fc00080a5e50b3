//! What is taken out, and what is not.

use proptest::prelude::*;
use seawall_capture::{Capture, Draft, Redactor};

#[test]
fn secrets_by_their_shape() {
    let redactor = Redactor::default();
    for (text, redacted) in [
        ("password=hunter2", "password=[redacted]"),
        ("PASSWORD : hunter2, user=ann", "PASSWORD : [redacted], user=ann"),
        ("db_password='a b c' x", "db_password=[redacted] x"),
        (r#"{"accessToken":"ab\"cd","n":1}"#, r#"{"accessToken":[redacted],"n":1}"#),
        (r#"{\"token\": \"abc\", \"n\": 1}"#, r#"{\"token\": [redacted], \"n\": 1}"#),
        (
            "Login { user: \"x\", secret: Some(\"a b\") }",
            "Login { user: \"x\", secret: [redacted] }",
        ),
        ("secret: Some(\"unclosed", "secret: [redacted]"),
        ("Authorization: Bearer abc.def\nHost: x", "Authorization: [redacted]\nHost: x"),
        ("Set-Cookie: a=b; c=d\r\nX: y", "Set-Cookie: [redacted]\r\nX: y"),
        ("sent Bearer abcdef123456 twice", "sent Bearer [redacted] twice"),
        ("sent Basic dXNlcjpwYXNz== twice", "sent Basic [redacted] twice"),
        ("x-api-key=1&b=2", "x-api-key=[redacted]&b=2"),
        ("https://h/?token=abc&n=1", "https://h/?token=[redacted]&n=1"),
        ("postgres://app:p@ss@db/x", "postgres://[redacted]@db/x"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "jwt [redacted]"),
        ("mail ann.o+x@mail.example.org.", "mail [e-mail]."),
        ("<bob@example.org>, (eve@x.de)", "<[e-mail]>, ([e-mail])"),
        ("card 4111 1111 1111 1111 declined", "card [card] declined"),
        ("card 4111-1111-1111-1111, 378282246310005", "card [card], [card]"),
        ("pan=4111111111111111;", "pan=[card];"),
    ] {
        assert_eq!(redactor.text(text), redacted, "{text}");
        assert_eq!(redactor.text(redacted), redacted, "twice: {text}");
    }
}

#[test]
fn what_is_no_secret_stays() {
    let redactor = Redactor::default();
    for text in [
        "token expired",
        "basic authentication failed",
        "order 4111111111111112 is late",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "12345678901234567890123",
        "https://example.org/a@b",
        "user @ home",
        "a@b",
        "author: ann",
        "2024-01-02 03:04:05",
        "",
    ] {
        assert_eq!(redactor.text(text), text);
    }
}

#[test]
fn rules_and_keys_of_the_user_are_applied() {
    let redactor = Redactor::default().key("Tax-Number").rule(|text| {
        assert!(!text.contains("panic"), "a rule with a bug");
        text.contains("X9").then(|| text.replace("X9", "[x]"))
    });
    assert_eq!(redactor.text("tax_number: 12 X9"), "tax_number: [redacted] [x]");
    assert_eq!(redactor.text("panic"), "[redacted: a rule failed]");
}

#[test]
fn redaction_reaches_every_text_before_it_is_hashed() {
    let capture = Capture::builder().build().unwrap();
    let draft = |who: &str| {
        Draft::new("E", &format!("no mail to {who}"))
            .description(&format!("about {who}"))
            .source(who)
            .correlation_id(who)
            .trace(who, who)
            .tag("who", who)
            .tag("password", "x")
            .value("who", who)
            .value(who, "x")
            .value("api_key", "x")
    };
    let record = capture.prepare(draft("ann@example.org"));
    let json = serde_json::to_string(&record).unwrap();
    assert!(!json.contains("ann@example.org"), "{json}");
    assert_eq!(record.tag("password"), Some("[redacted]"));
    assert_eq!(record.details.values[2], ("api_key".into(), "[redacted]".into()));
    assert_eq!(record.grouping, capture.prepare(draft("bob@example.com")).grouping);
}

#[test]
fn it_is_off_only_for_who_says_so_in_full() {
    let off = Redactor::that_keeps_every_secret_in_the_clear();
    assert_eq!(off.text("password=x"), "password=x");
    assert!(!off.is_sensitive("password"));
    assert!(Redactor::default().is_sensitive("password"));
}

proptest! {
    #[test]
    fn a_password_never_gets_through(
        before in "[ -~]{0,20}",
        key in prop::sample::select(vec!["password", "api-key", "X-Auth-Token", "cookie"]),
        separator in prop::sample::select(vec!["=", ": ", " = ", "\":\"", "=\""]),
        after in "[ -~]{0,20}",
    ) {
        let text = format!("{before} {key}{separator}hunter2 {after}");
        let redacted = Redactor::default().text(&text);
        prop_assert!(!redacted.contains("hunter2"), "{}", redacted);
    }
}
