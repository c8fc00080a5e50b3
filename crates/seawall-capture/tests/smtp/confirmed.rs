//! A digest is cleared only after the server's 250.

use std::time::Duration;

use seawall_capture::digest::Sink;
use seawall_capture::digest::smtp::Phase;
use seawall_core::Class;
use serde_json::json;

use crate::server::server;
use crate::{digest, digester, gone, headers, part, smtp};

#[tokio::test]
async fn a_digest_arrives_as_text_and_html() {
    let Some(mut server) = server(json!({})).await else { return };
    let mail = server.plain().to("Ann <ann@example.org>").build().unwrap();
    let digest = digest([gone(), gone()]).await;
    mail.send(&digest).await.unwrap();
    let message = server.event("message").await;
    assert_eq!(message["from"], "alarms@example.org");
    assert_eq!(message["to"], json!(["ann@example.org"]));
    assert_eq!(headers(&message, "To"), ["Ann <ann@example.org>"]);
    assert_eq!(headers(&message, "From"), ["Alarms <alarms@example.org>"]);
    assert_eq!(
        headers(&message, "Subject"),
        ["billing: Gone: invoice <num> is gone (2 failures, new)"]
    );
    assert_eq!(headers(&message, "Auto-Submitted"), ["auto-generated"]);
    assert_eq!(headers(&message, "Date"), ["Tue, 14 Nov 2023 22:13:20 +0000"]);
    let id = headers(&message, "Message-ID")[0];
    assert!(id.contains(&digest.id) && id.ends_with("@example.org>"), "{id}");
    assert_eq!(part(&message, "text/plain").trim_end(), digest.text(16 << 10).trim_end());
    assert!(part(&message, "text/html").contains("<p>invoice &lt;num&gt; is gone</p>"));
    assert_eq!(mail.counts().confirmed, 1);
}

#[tokio::test]
async fn what_was_dropped_after_the_message_is_kept_and_sent_again_as_the_same() {
    let Some(mut server) = server(json!({ "drop": 1 })).await else { return };
    let mail = server.plain().to("ann@example.org").build().unwrap();
    let (clock, capture, digester) = digester(|builder| builder);
    capture.record(gone());
    clock.advance(Duration::from_secs(30));
    let (sent, errors) = digester.step(&mail).await;
    assert_eq!((sent, errors.len()), (0, 1));
    let error = smtp(&errors[0]);
    assert_eq!((error.phase, error.class()), (Phase::Message, Class::Transient), "{error}");
    assert_eq!((digester.counts().waiting, mail.counts().confirmed), (1, 0));
    let dropped = server.event("dropped").await;

    clock.advance(Duration::from_secs(30));
    assert_eq!(digester.step(&mail).await.0, 1);
    let message = server.event("message").await;
    assert_eq!(headers(&message, "Message-ID"), headers(&dropped, "Message-ID"));
    assert_eq!(message["raw"], dropped["raw"], "the same to the byte");
    assert_eq!((digester.counts().waiting, mail.counts().confirmed), (0, 1));
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let Some(server) = server(json!({})).await else { return };
    let mail = server.plain().to("ann@example.org").build().unwrap();
    drop(server);
    let error = mail.send(&digest([gone()]).await).await.unwrap_err();
    assert_eq!((smtp(&error).phase, smtp(&error).class()), (Phase::Connect, Class::Transient));
}

#[tokio::test]
async fn a_template_that_fails_is_said_in_the_mail_and_counted() {
    use seawall_capture::digest::Templates;
    let Some(mut server) = server(json!({})).await else { return };
    let html = "{% if count == 3 %}{{ count.no.such }}{% endif %}";
    let templates = Templates::builder().html(html).build().unwrap();
    let mail = server.plain().to("ann@example.org").templates(templates).build().unwrap();
    let digest = digest([gone(), gone(), gone()]).await;
    mail.send(&digest).await.unwrap();
    let message = server.event("message").await;
    assert_eq!(message["parts"].as_array().unwrap().len(), 1);
    let text = part(&message, "text/plain");
    assert!(text.starts_with(&digest.text(16 << 10)), "{text}");
    assert!(text.contains("\nthe template of the HTML, line 1: undefined value\n"), "{text}");
    assert_eq!((mail.counts().confirmed, mail.counts().fallbacks), (1, 1));
}
