//! A server that hangs, in each phase. The clock stands until the server says that it hangs, and
//! then jumps to whatever is due: nobody waits.

use std::time::Duration;

use seawall_capture::digest::Sink;
use seawall_capture::digest::smtp::Phase;
use seawall_core::Class;
use serde_json::json;
use tokio::time::Instant;

use crate::server::{Server, server};
use crate::{digest, gone, smtp};

const HOUR: Duration = Duration::from_hours(1);

/// `waited` in hours, apart from what was waited before the clock stood still.
fn hours(waited: Duration) -> u64 {
    (waited + HOUR / 2).as_secs() / HOUR.as_secs()
}

/// Pauses the clock when the server hangs. Gives when that was.
async fn hangs(server: &mut Server, at: &str) -> Instant {
    assert_eq!(server.event("hangs").await["at"], at);
    tokio::time::pause();
    Instant::now()
}

#[tokio::test]
async fn each_phase_has_an_end() {
    let phases = [
        ("CONNECT", Phase::Connect, 1),
        ("EHLO", Phase::Connect, 1),
        ("MAIL", Phase::Sender, 2),
        ("RCPT", Phase::Address, 2),
        ("DATA", Phase::Data, 2),
        ("MESSAGE", Phase::Message, 3),
    ];
    let digest = digest([gone()]).await;
    for (at, phase, limit) in phases {
        let Some(mut server) = server(json!({ "hang": at })).await else { return };
        let mail = server.plain().to("ann@example.org").build().unwrap();
        let (sent, since) = tokio::join!(mail.send(&digest), hangs(&mut server, at));
        let waited = since.elapsed();
        tokio::time::resume();
        let error = sent.unwrap_err();
        assert_eq!((smtp(&error).phase, smtp(&error).class()), (phase, Class::Transient), "{at}");
        assert_eq!(hours(waited), limit, "{at}: {waited:?}");
    }
}

#[tokio::test]
async fn so_has_the_login() {
    let told = json!({ "hang": "AUTH", "tls": "implicit", "login": ["ann", "s3cret"] });
    let Some(mut server) = server(told).await else { return };
    let builder = server.tls().credentials("ann", "s3cret").to("ann@example.org");
    let mail = builder.build().unwrap();
    let digest = digest([gone()]).await;
    let (sent, since) = tokio::join!(mail.send(&digest), hangs(&mut server, "AUTH"));
    assert_eq!(hours(since.elapsed()), 2);
    assert_eq!(smtp(&sent.unwrap_err()).phase, Phase::Login);
}

#[tokio::test]
async fn so_has_all_of_it_and_the_next_time_another_begins() {
    let Some(mut server) = server(json!({ "hang": "MESSAGE" })).await else { return };
    let builder = server.plain().to("ann@example.org").to("bob@example.org");
    let mail = builder.total_timeout(HOUR * 3).build().unwrap();
    let digest = digest([gone()]).await;
    let mut first = Vec::new();
    for _ in 0..2 {
        let began = async {
            let hangs = server.event("hangs").await;
            tokio::time::pause();
            (hangs["to"].clone(), Instant::now())
        };
        let (sent, (to, since)) = tokio::join!(mail.send(&digest), began);
        assert_eq!(hours(since.elapsed()), 3);
        tokio::time::resume();
        let error = sent.unwrap_err();
        assert_eq!((smtp(&error).phase, smtp(&error).class()), (Phase::Total, Class::Transient));
        first.push(to);
    }
    assert_eq!(first, [json!(["ann@example.org"]), json!(["bob@example.org"])]);
}

#[tokio::test]
async fn a_server_that_does_not_say_goodbye_has_the_mail_all_the_same() {
    let Some(mut server) = server(json!({ "hang": "QUIT" })).await else { return };
    let mail = server.plain().to("ann@example.org").build().unwrap();
    let digest = digest([gone()]).await;
    let (sent, since) = tokio::join!(mail.send(&digest), hangs(&mut server, "QUIT"));
    sent.unwrap();
    assert_eq!(hours(since.elapsed()), 0);
    assert_eq!(mail.counts().confirmed, 1);
}

#[tokio::test]
async fn a_send_that_is_dropped_after_the_confirmation_is_not_repeated() {
    let Some(mut server) = server(json!({ "hang": "QUIT" })).await else { return };
    let mail = server.plain().to("ann@example.org").to("bob@example.org").build().unwrap();
    let digest = digest([gone()]).await;
    {
        let mut sending = mail.send(&digest);
        tokio::select! {
            _ = &mut sending => panic!("it hangs"),
            _ = server.event("hangs") => {}
        }
    }
    assert_eq!(mail.counts().confirmed, 2);
    mail.send(&digest).await.unwrap();
    assert_eq!(mail.counts().confirmed, 2);
}
