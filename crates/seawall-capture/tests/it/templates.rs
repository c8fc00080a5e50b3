//! Digests in the user's own words.
#![cfg(feature = "templates")]

use std::time::Duration;

use seawall_capture::digest::{Callback, Digest, Templates};
use seawall_capture::{Capture, Clock, Digester, Draft, Timestamp};

/// What has to stay where it is put: on its line, and in its place between the tags.
const HOSTILE: &str = "x\r\nBcc: all@example.org\u{1b}[31m\u{202e}\u{2028}<script>alert(1)</script>&amp;\"'{{ 7 * 7 }}{% raw %}";

async fn digest_of(records: impl IntoIterator<Item = Draft>) -> Digest {
    let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
    let digester = Digester::builder().clock(clock.clone()).build().unwrap();
    let capture =
        Capture::builder().service("billing").clock(clock).observer(digester.clone()).build();
    let capture = capture.unwrap();
    for record in records {
        capture.record(record);
    }
    let sent = std::sync::Mutex::new(None);
    let sink = Callback::new(|digest: &Digest| {
        *sent.lock().unwrap() = Some(digest.clone());
        Ok(())
    });
    let closed = digester.close(&sink, Duration::from_secs(1)).await;
    assert_eq!(closed.sent, 1);
    sent.into_inner().unwrap().unwrap()
}

fn gone() -> Draft {
    Draft::new("Gone", "invoice 7 is gone").source("cart")
}

#[tokio::test]
async fn the_built_in_words_say_what_the_digest_says() {
    let digest = digest_of([gone(), gone(), Draft::new("Other", "no route")]).await;
    let rendered = Templates::default().render(&digest);
    assert_eq!(rendered.failed, None);
    assert_eq!(
        rendered.subject,
        "billing: Gone: invoice <num> is gone (3 failures in 2 groups, 2 new)"
    );
    assert_eq!(rendered.text, digest.text(16 << 10));
    let html = rendered.html.unwrap();
    for part in [
        "<h1 style=\"font-size: 1.2em\">billing: Gone: invoice &lt;num&gt; is gone (3 failures in 2 groups, 2 new)</h1>",
        "<h2 style=\"font-size: 1em\">NEW 2× Gone</h2>\n<p>invoice &lt;num&gt; is gone</p>",
        "<li>sources: cart 2</li>",
        "2023-11-14T22:13:20.000Z to 2023-11-14T22:13:20.000Z",
    ] {
        assert!(html.contains(part), "{part}\nis not in\n{html}");
    }
    assert!(!html.contains("versions"), "{html}");
}

#[tokio::test]
async fn both_parts_show_what_fits_and_count_the_rest_exactly() {
    let records =
        (0..100).map(|n| Draft::new(&format!("E{n}x"), "it broke").fingerprint(n.to_string()));
    let digest = digest_of(records).await;
    let templates = Templates::builder().bytes(2_000).build().unwrap();
    let rendered = templates.render(&digest);
    let html = rendered.html.unwrap();
    let shown = html.matches("<h2").count();
    assert!((1..100).contains(&shown));
    assert_eq!(rendered.text.matches("1× E").count(), shown);
    let more = format!("+{} more groups with {} failures", 100 - shown, 100 - shown);
    assert!(html.contains(&more) && rendered.text.contains(&more), "{html}");
}

#[tokio::test]
async fn hostile_text_is_escaped_exactly_once_and_is_no_template() {
    let hostile = Draft::new(HOSTILE, HOSTILE).source(HOSTILE).description(HOSTILE);
    let digest = digest_of([hostile]).await;
    let subject = "{% for group in groups %}{{ group.description }}\r\nBcc: me@x.org{% endfor %}";
    let templates = Templates::builder().subject(subject).build().unwrap();
    let rendered = templates.render(&digest);
    assert_eq!(rendered.failed, None);
    let html = rendered.html.unwrap();
    assert!(!html.contains("<script"), "{html}");
    assert!(html.contains("&lt;script&gt;"), "{html}");
    assert!(html.contains("&amp;amp;") && !html.contains("&amp;lt;"), "{html}");
    assert!(html.contains("{{ 7 * 7 }}"), "{html}");
    for part in [&html, &rendered.text] {
        assert!(!part.contains(['\r', '\u{1b}', '\u{202e}', '\u{2028}']), "{part}");
        assert!(!part.lines().any(|line| line.starts_with("Bcc")), "{part}");
    }
    assert!(rendered.text.contains("<script>alert(1)</script>&amp;\"'"), "{}", rendered.text);
    assert!(!rendered.subject.contains(['\r', '\n', '\u{1b}']), "{}", rendered.subject);
    assert!(rendered.subject.len() <= 256);
}

#[test]
fn a_bad_template_is_refused_with_its_line() {
    let refused = |subject: &str, text: &str, html: &str| {
        let builder = Templates::builder().subject(subject).text(text).html(html);
        let error = builder.build().unwrap_err();
        (error.part, error.line, error.to_string())
    };
    let good = "x";
    let (part, line, why) = refused("{{ subject", good, good);
    assert_eq!((part, line), ("subject", Some(1)), "{why}");
    let (part, line, why) = refused(good, "a\nb\n{% if %}", good);
    assert_eq!((part, line), ("text", Some(3)), "{why}");
    let (part, line, why) = refused(good, good, "\n{{ groups[0].oops }}");
    assert_eq!((part, line), ("HTML", Some(2)), "{why}");
    let (part, line, why) = refused(good, "\n{{ subject|no_such_filter }}", good);
    assert_eq!((part, line), ("text", Some(2)), "{why}");
    // Good for a digest that has groups, and for no other.
    let (part, _, why) = refused("{{ groups[0].count }}", good, good);
    assert_eq!(part, "subject", "{why}");
}

/// Well on the two that are tried, and not on others.
fn fails_on(count: u64, how: &str) -> String {
    format!("a\n{{% if count == {count} %}}{how}{{% endif %}}")
}

#[tokio::test]
async fn a_template_that_fails_or_does_not_end_loses_nothing() {
    let digest = digest_of([gone(), gone(), gone()]).await;
    let endless = "{% for a in range(100000) %}{% for b in range(100000) %}\
                   {% endfor %}{% endfor %}";
    let endless = format!("\n{endless}");
    let long = "{% for a in range(9999) %}{{ 'x' * 1000 }}{% endfor %}";
    let long = long.replace("{{ 'x' * 1000 }}", &"x".repeat(1000));
    for (how, line) in
        [("\n{{ count.nothing.there }}", Some(3)), (&endless, Some(3)), (&long, None)]
    {
        let templates = Templates::builder().html(fails_on(3, how)).build().unwrap();
        let rendered = templates.render(&digest);
        let failed = rendered.failed.unwrap();
        assert_eq!(failed.part, "HTML");
        assert!(line.is_none() || failed.line == line, "{failed}");
        assert_eq!(rendered.html, None);
        assert_eq!(rendered.subject, digest.subject());
        assert!(rendered.text.starts_with(&digest.text(16 << 10)), "{}", rendered.text);
        assert!(rendered.text.ends_with(&format!("{failed}\n")), "{}", rendered.text);
    }
}
