//! What is refused for good, and what for now.

use seawall_capture::digest::Sink;
use seawall_capture::digest::smtp::Phase;
use seawall_core::Class;
use serde_json::json;

use crate::server::server;
use crate::{digest, gone, headers, smtp};

#[tokio::test]
async fn an_address_that_is_refused_is_permanent() {
    let told = json!({ "answers": { "ann@example.org": ["550 no such mailbox"] } });
    let Some(mut server) = server(told).await else { return };
    let mail = server.plain().to("ann@example.org").build().unwrap();
    let error = mail.send(&digest([gone()]).await).await.unwrap_err();
    let error = smtp(&error);
    assert_eq!((error.phase, error.code), (Phase::Address, Some(550)));
    assert_eq!(error.class(), Class::Permanent);
    assert!(error.to_string().contains("no such mailbox"), "{error}");
    assert_eq!((mail.counts().refused, mail.counts().confirmed), (1, 0));
    assert!(server.events("message").await.is_empty());
}

#[tokio::test]
async fn a_message_that_is_refused_for_now_is_transient_and_taken_later() {
    let told = json!({ "answers": { "DATA": ["451 too busy", "250 OK"] } });
    let Some(mut server) = server(told).await else { return };
    let mail = server.plain().to("ann@example.org").build().unwrap();
    let digest = digest([gone()]).await;
    let error = mail.send(&digest).await.unwrap_err();
    let error = smtp(&error);
    assert_eq!((error.phase, error.code), (Phase::Message, Some(451)));
    assert_eq!(error.class(), Class::Transient);
    assert_eq!((mail.counts().refused, mail.counts().confirmed), (0, 0));
    mail.send(&digest).await.unwrap();
    let [first, second] = [server.event("message").await, server.event("message").await];
    assert_eq!(headers(&first, "Message-ID"), headers(&second, "Message-ID"));
    assert_eq!(mail.counts().confirmed, 1);
}

#[tokio::test]
async fn a_message_that_is_refused_is_permanent() {
    let told = json!({ "answers": { "DATA": ["554 looks like spam\r\n554 to us"] } });
    let Some(server) = server(told).await else { return };
    let mail = server.plain().to("ann@example.org").build().unwrap();
    let error = mail.send(&digest([gone()]).await).await.unwrap_err();
    assert_eq!((smtp(&error).phase, smtp(&error).code), (Phase::Message, Some(554)));
    assert_eq!(smtp(&error).class(), Class::Permanent);
    assert!(!error.to_string().contains(['\r', '\n']), "{error}");
}

#[tokio::test]
async fn a_sender_that_is_refused_refuses_the_digest_and_counts_against_nobody() {
    let told = json!({ "answers": { "MAIL": ["553 not from you", "250 OK"] } });
    let Some(server) = server(told).await else { return };
    let mail = server.plain().to("ann@example.org").to("bob@example.org").build().unwrap();
    let digest = digest([gone()]).await;
    let error = mail.send(&digest).await.unwrap_err();
    assert_eq!((smtp(&error).phase, smtp(&error).class()), (Phase::Sender, Class::Permanent));
    assert_eq!(mail.counts().refused, 0);
}

#[tokio::test]
async fn whom_all_refuse_is_offered_to_all_again() {
    let told = json!({ "answers": {
        "ann@example.org": ["550 not yet", "250 OK"],
        "bob@example.org": ["550 not yet", "250 OK"],
    } });
    let Some(mut server) = server(told).await else { return };
    let mail = server.plain().to("ann@example.org").to("bob@example.org").build().unwrap();
    let digest = digest([gone()]).await;
    assert_eq!(smtp(&mail.send(&digest).await.unwrap_err()).class(), Class::Permanent);
    mail.send(&digest).await.unwrap();
    assert_eq!(server.events("message").await.len(), 2);
    assert_eq!((mail.counts().refused, mail.counts().confirmed), (2, 2));
}
