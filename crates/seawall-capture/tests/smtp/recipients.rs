//! A recipient sees only what is for them.

use seawall_capture::digest::Sink;
use seawall_capture::digest::smtp::{Phase, Recipient};
use seawall_core::Class;
use serde_json::json;

use crate::server::{Server, server};
use crate::{digest, gone, headers, smtp};

#[tokio::test]
async fn each_gets_a_message_in_which_nobody_else_is_named() {
    let Some(mut server) = server(json!({})).await else { return };
    let builder = server.plain().to("ann@example.org").to("bob@example.org");
    let group = Recipient::group(["eve@example.org", "Dan <dan@example.org>"]);
    let mail = builder.to(group).build().unwrap();
    mail.send(&digest([gone()]).await).await.unwrap();
    let mut messages = server.events("message").await;
    messages.sort_by_key(|message| message["to"].to_string());
    let to: Vec<_> = messages.iter().map(|message| &message["to"]).collect();
    let [ann, bob, both] = ["ann", "bob", "eve"].map(|name| format!("{name}@example.org"));
    assert_eq!(to, [&json!([ann]), &json!([bob]), &json!([both, "dan@example.org"])]);
    for (message, named) in messages.iter().zip([1, 1, 2]) {
        let raw = message["raw"].as_str().unwrap();
        let others = ["ann@", "bob@", "eve@", "dan@"].iter().filter(|name| raw.contains(**name));
        assert_eq!(others.count(), named, "{raw}");
        assert!(headers(message, "Bcc").is_empty() && headers(message, "Cc").is_empty());
    }
    let ids: Vec<_> = messages.iter().map(|message| headers(message, "Message-ID")).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    assert_eq!(mail.counts().confirmed, 4);
}

#[tokio::test]
async fn a_key_goes_to_those_who_take_it() {
    let Some(mut server) = server(json!({})).await else { return };
    let ann = Recipient::from("ann@example.org").of_key("billing").of_key("prices");
    let bob = Recipient::from("bob@example.org").of_key("search");
    let mail = server.plain().to(ann).to(bob.clone()).build().unwrap();
    let digest = digest([gone()]).await;
    mail.send(&digest).await.unwrap();
    let messages = server.events("message").await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["to"], json!(["ann@example.org"]));
    // Nobody takes it: it is not sent, and not lost.
    let mail = server.plain().to(bob).build().unwrap();
    let error = mail.send(&digest).await.unwrap_err();
    assert_eq!((smtp(&error).phase, smtp(&error).class()), (Phase::Before, Class::Permanent));
    assert!(error.to_string().contains("'billing'"), "{error}");
}

/// The recipients of messages since the last call.
async fn to(server: &mut Server) -> Vec<String> {
    let messages = server.events("message").await;
    let mut to: Vec<_> = messages.iter().map(|message| message["to"].to_string()).collect();
    to.sort();
    to
}

#[tokio::test]
async fn what_some_confirmed_goes_again_to_the_others_only() {
    let told = json!({ "answers": {
        "ann@example.org": ["450 greylisted", "250 OK"],
        "eve@example.org": ["450 greylisted", "250 OK"],
        "dan@example.org": ["550 no such mailbox"],
    } });
    let Some(mut server) = server(told).await else { return };
    let group = Recipient::group(["eve@example.org", "dan@example.org", "kim@example.org"]);
    let builder = server.plain().to("ann@example.org").to("bob@example.org").to(group);
    let mail = builder.build().unwrap();
    let digest = digest([gone()]).await;
    let error = mail.send(&digest).await.unwrap_err();
    assert_eq!((smtp(&error).code, smtp(&error).class()), (Some(450), Class::Transient));
    assert_eq!(to(&mut server).await, [r#"["bob@example.org"]"#, r#"["kim@example.org"]"#]);
    assert_eq!((mail.counts().confirmed, mail.counts().refused), (2, 1));
    assert_eq!(mail.last_refusal().unwrap().code, Some(550));

    // The refused one is done with: others have the digest.
    mail.send(&digest).await.unwrap();
    assert_eq!(to(&mut server).await, [r#"["ann@example.org"]"#, r#"["eve@example.org"]"#]);
    assert_eq!((mail.counts().confirmed, mail.counts().refused), (4, 1));
}

#[tokio::test]
async fn one_who_breaks_the_connection_does_not_keep_others_from_theirs() {
    let Some(mut server) = server(json!({ "drop": 1 })).await else { return };
    let builder = server.plain().to("ann@example.org").to("bob@example.org");
    let mail = builder.build().unwrap();
    let digest = digest([gone()]).await;
    assert_eq!(smtp(&mail.send(&digest).await.unwrap_err()).class(), Class::Transient);
    let dropped = server.event("dropped").await;
    let other = server.event("message").await;
    assert_ne!(dropped["to"], other["to"]);
    mail.send(&digest).await.unwrap();
    assert_eq!(server.event("message").await["to"], dropped["to"]);
    assert_eq!(mail.counts().confirmed, 2);
}
