//! Secrets of shapes that redaction did not know.

use seawall_capture::Redactor;

#[test]
fn each_is_taken_out() {
    let redactor = Redactor::default();
    let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\nABCDEF\n-----END PRIVATE KEY-----";
    for (text, redacted) in [
        // What was found once is taken out everywhere.
        (
            "password=hunter2: 'hunter2' is too short",
            "password=[redacted] '[redacted]' is too short",
        ),
        (
            "'hunter2' is too short: password=hunter2",
            "'[redacted]' is too short: password=[redacted]",
        ),
        (
            "Authorization: Bearer abc.def\nretry with abc.def",
            "Authorization: [redacted]\nretry with [redacted]",
        ),
        ("redis://:hunter2@h/0 refused hunter2", "redis://[redacted]@h/0 refused [redacted]"),
        ("token=abcd in abcde", "token=[redacted] in abcde"),
        ("token=abcdefgh in xabcdefghx", "token=[redacted] in x[redacted]x"),
        ("secret: Some(\"longer one\"), then longer", "secret: [redacted], then [redacted]"),
        // In URLs.
        ("GET /b?sig=a%2Fb&se=1", "GET /b?sig=[redacted]&se=1"),
        ("https://h/x?a=1&key=abc", "https://h/x?a=1&key=[redacted]"),
        ("https://h/cb?code=abc&state=1", "https://h/cb?code=[redacted]&state=1"),
        ("status code=503, key=7", "status code=503, key=7"),
        ("redirect=password%3Dhunter2%26user%3Dann", "redirect=password%3D[redacted]%26user%3Dann"),
        ("a%26token%3dabc", "a%26token%3d[redacted]"),
        // On the next line.
        ("Authorization: Bearer\r\n abc.def\r\nHost: x", "Authorization: [redacted]\r\nHost: x"),
        ("Authorization:\n\tBasic dXNlcg==\nHost: x", "Authorization:\n\t[redacted]\nHost: x"),
        ("password:\n  hunter2\nuser: ann", "password:\n  [redacted]\nuser: ann"),
        ("password: |\n  hunter2\n  more\nuser: ann", "password: |\n  [redacted]\nuser: ann"),
        ("tokens:\n  - abc\n  - def\nuser: ann", "tokens:\n  [redacted]\nuser: ann"),
        // User and password with marks in them.
        ("postgres://app:p/w#x@db/x", "postgres://[redacted]@db/x"),
        ("amqp://app:12/4@mq", "amqp://[redacted]@mq"),
        ("https://ann:p/w@example.org/x", "https://[redacted]@example.org/x"),
        ("https://example.org:80/a@b", "https://example.org:80/a@b"),
        // Plural and composed names.
        ("tokens: abc", "tokens: [redacted]"),
        ("client_secret_value=abc", "client_secret_value=[redacted]"),
        ("api_keys=[\"a\", \"b\"]", "api_keys=[redacted]"),
        ("password2=x", "password2=[redacted]"),
        ("token_count=7, secret_name=x", "token_count=7, secret_name=x"),
        // Options.
        ("mysql --password x --host h", "mysql --password [redacted] --host h"),
        ("mysql --password 'a b' h", "mysql --password [redacted] h"),
        ("tool --token=x", "tool --token=[redacted]"),
        ("tool --password --host h", "tool --password --host h"),
        // By their shape.
        (pem, "[redacted]"),
        ("key is AKIAIOSFODNN7EXAMPLE here", "key is [redacted] here"),
        ("ghp_0123456789abcdefghij", "[redacted]"),
        ("card 4222222222222 declined", "card [card] declined"),
        ("card 4222 2222 2222 2 declined", "card [card] declined"),
        // A blank that breaks no line.
        ("password:\u{a0}hunter2", "password: [redacted]"),
        ("password\u{a0}=\u{a0}hunter2", "password = [redacted]"),
        ("4111\u{a0}1111\u{202f}1111\u{a0}1111", "[card]"),
        ("Bearer\u{a0}abcdef123456", "Bearer [redacted]"),
    ] {
        assert_eq!(redactor.text(text), redacted, "{text}");
        assert_eq!(redactor.text(redacted), redacted, "twice: {text}");
    }
}

#[test]
fn prose_stays() {
    let redactor = Redactor::default();
    for text in [
        "the compass: north",
        "keys: 7",
        "threshold=5",
        "100% of a%b %zz",
        "%",
        "a%é%3D",
        "-----BEGINNING of it",
        "tokens were issued",
        "line one:\n  line two",
        "- password reset failed",
    ] {
        assert_eq!(redactor.text(text), text);
    }
}
