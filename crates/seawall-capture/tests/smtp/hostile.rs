//! Hostile text in every field: a message is what we wrote, and nothing of what it tells of.

use seawall_capture::digest::Sink;
use seawall_capture::digest::smtp::Smtp;
use seawall_capture::{Capture, Digester, Draft};
use serde_json::json;

use crate::server::server;
use crate::{headers, part};

/// Ends headers, the message, the conversation, a tag, a template, a word in a header; begins
/// another recipient, another part.
const HOSTILE: &str = "x\r\nBcc: evil@example.org\r\n\r\n<script>alert(\"1\")</script>&amp;'\r\n.\r\n\
    RCPT TO:<evil@example.org>\r\n--=_0\r\n{{ 7 * 7 }}\u{1b}[31m\u{202e}\u{2028}\u{85}\0 =?utf-8?q?=0D=0ABcc:_evil?= ÄÖÜ\
    \nFrom evil\n..\n=3D=\n";

#[tokio::test]
async fn nothing_of_it_gets_out_of_its_place() {
    let Some(mut server) = server(json!({})).await else { return };
    let digester = Digester::builder().key(|_| HOSTILE.into()).build().unwrap();
    let builder = Capture::builder().service(HOSTILE).version(HOSTILE).environment(HOSTILE);
    let capture = builder.host(HOSTILE).observer(digester.clone()).build().unwrap();
    let draft = Draft::new(HOSTILE, HOSTILE).description(HOSTILE).source(HOSTILE);
    capture.record(draft.tag(HOSTILE, HOSTILE).value(HOSTILE, HOSTILE).correlation_id(HOSTILE));
    let mail = server.plain().to("ann@example.org").build().unwrap();
    let closed = digester.close(&mail, std::time::Duration::from_hours(1)).await;
    assert_eq!(closed.sent, 1);

    let messages = server.events("message").await;
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!(message["to"], json!(["ann@example.org"]));
    let mut names: Vec<_> =
        message["headers"].as_array().unwrap().iter().map(|h| h[0].as_str().unwrap()).collect();
    names.sort_unstable();
    let expected = [
        "Auto-Submitted",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
    ];
    assert_eq!(names, expected);
    let subject = headers(message, "Subject")[0];
    assert!(subject.contains("Bcc: evil") && !subject.contains(char::is_control), "{subject:?}");
    assert!(subject.contains("ÄÖÜ") || subject.ends_with('…'), "{subject}");

    let parts = message["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 2);
    let (text, html) = (part(message, "text/plain"), part(message, "text/html"));
    for part in [&text, &html] {
        assert!(!part.contains(['\u{1b}', '\u{202e}', '\u{2028}', '\0']), "{part}");
        assert!(!part.lines().any(|l| l.starts_with("Bcc") || l.starts_with("RCPT")), "{part}");
        assert!(part.contains("{{ 7 * 7 }}") && part.contains("ÄÖÜ"), "{part}");
    }
    assert!(text.contains("<script>alert(\"1\")</script>&amp;'"), "{text}");
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    assert!(html.contains("&amp;amp;") && !html.contains("&amp;lt;"), "{html}");
    let raw = message["raw"].as_str().unwrap();
    assert!(raw.lines().all(|line| line.len() <= 998), "{raw}");
}

#[test]
fn addresses_are_addresses() {
    let build = |from: &str, to: &str| Smtp::builder("localhost").from(from).to(to).build();
    let good = "Ann <ann@example.org>";
    assert!(build(good, good).is_ok());
    for bad in [
        "",
        "ann",
        "ann@example.org\r\nBcc: evil@example.org",
        "Ann\r\nBcc: evil@example.org <ann@example.org>",
        "ann@example.org, evil@example.org",
        "ann@example.org> RCPT TO:<evil@example.org",
        "<ann@example.org> NOTIFY=NEVER",
        "än@example.org",
        "ann@exämple.org",
    ] {
        assert_eq!(build(good, bad).unwrap_err().field, "to", "{bad}");
        assert_eq!(build(bad, good).unwrap_err().field, "from", "{bad}");
    }
}

#[tokio::test]
async fn names_of_people_are_quoted() {
    let Some(mut server) = server(json!({})).await else { return };
    let name = r#""Doe, \"J\" <x@y.z>; =?q?" <ann@example.org>"#;
    let mail = server.plain().to(name).to("Jürgen <j@example.org>").build().unwrap();
    mail.send(&crate::digest([crate::gone()]).await).await.unwrap();
    let mut messages = server.events("message").await;
    messages.sort_by_key(|message| message["to"].to_string());
    assert_eq!(messages[0]["to"], json!(["ann@example.org"]));
    assert!(headers(&messages[0], "To")[0].ends_with("<ann@example.org>"));
    assert_eq!(headers(&messages[1], "To"), ["Jürgen <j@example.org>"]);
}
