//! TLS, or a word that says that there is none.

use seawall_capture::digest::Sink;
use seawall_capture::digest::smtp::{Phase, Smtp};
use seawall_core::Class;
use serde_json::json;

use crate::server::server;
use crate::{digest, gone, smtp};

#[tokio::test]
async fn tls_from_the_start_with_a_login() {
    let told = json!({ "tls": "implicit", "login": ["ann", "s3cret-pässword"] });
    let Some(mut server) = server(told).await else { return };
    let builder = server.tls().credentials("ann", "s3cret-pässword");
    let mail = builder.to("ann@example.org").build().unwrap();
    mail.send(&digest([gone()]).await).await.unwrap();
    assert_eq!(server.event("message").await["encrypted"], true);
}

#[tokio::test]
async fn starttls_with_a_login() {
    let told = json!({ "tls": "starttls", "login": ["ann", "s3cret"] });
    let Some(mut server) = server(told).await else { return };
    let builder = server.tls().starttls().credentials("ann", "s3cret");
    let mail = builder.to("ann@example.org").build().unwrap();
    mail.send(&digest([gone()]).await).await.unwrap();
    assert_eq!(server.event("message").await["encrypted"], true);
}

#[tokio::test]
async fn a_server_without_starttls_gets_nothing() {
    let Some(mut server) = server(json!({})).await else { return };
    let mail = server.tls().starttls().to("ann@example.org").build().unwrap();
    let error = mail.send(&digest([gone()]).await).await.unwrap_err();
    assert_eq!((smtp(&error).phase, smtp(&error).class()), (Phase::StartTls, Class::Permanent));
    assert!(server.events("message").await.is_empty());
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_nothing() {
    let Some(mut server) = server(json!({ "tls": "implicit" })).await else { return };
    let Some(other) = crate::server::server(json!({ "tls": "implicit" })).await else { return };
    // The other's authority, and the other's port.
    let mail = other.tls().port(server.port()).to("ann@example.org").build().unwrap();
    let error = mail.send(&digest([gone()]).await).await.unwrap_err();
    assert_eq!((smtp(&error).phase, smtp(&error).class()), (Phase::Connect, Class::Transient));
    assert!(server.events("message").await.is_empty());
    // A name that is not in its certificate.
    let mail = server.tls_to("127.0.0.1").to("ann@example.org").build().unwrap();
    let error = mail.send(&digest([gone()]).await).await.unwrap_err();
    assert_eq!(smtp(&error).phase, Phase::Connect);
}

#[tokio::test]
async fn a_wrong_password_is_permanent_and_told_to_nobody() {
    let told = json!({ "tls": "implicit", "login": ["ann", "right"] });
    let Some(mut server) = server(told).await else { return };
    let builder = server.tls().credentials("ann-user", "wrong-pa55word").to("ann@example.org");
    let shown = format!("{builder:?}");
    let mail = builder.build().unwrap();
    let error = mail.send(&digest([gone()]).await).await.unwrap_err();
    assert_eq!((smtp(&error).phase, smtp(&error).code), (Phase::Login, Some(535)));
    assert_eq!(smtp(&error).class(), Class::Permanent);
    for shown in [shown, format!("{mail:?}"), format!("{error:?} {error}")] {
        assert!(!shown.contains("ann-user") && !shown.contains("wrong-pa55word"), "{shown}");
    }
    assert!(server.events("message").await.is_empty());
}

#[test]
fn credentials_are_never_sent_in_the_clear() {
    let builder = Smtp::builder("localhost").from("a@example.org").to("b@example.org");
    let builder = builder.credentials("ann", "s3cret").insecure_plaintext();
    assert_eq!(builder.build().unwrap_err().field, "credentials");
}
