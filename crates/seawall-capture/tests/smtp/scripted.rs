//! Servers that no honest server is like, line by line. They need no Python.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use seawall_capture::digest::Sink;
use seawall_capture::digest::smtp::{Phase, Smtp, SmtpError};
use seawall_core::Class;

use crate::{digest, gone, smtp};

/// A server that says `answers`, each after one more line (or one message) was heard. Gives the
/// commands that it heard.
fn scripted(answers: &[&str]) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers: Vec<_> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let mut heard = Vec::new();
        for answer in answers {
            if stream.write_all(format!("{answer}\r\n").as_bytes()).is_err() {
                break;
            }
            let is_message = answer.starts_with("354");
            let next = if is_message { lines.find(|line| line == ".") } else { lines.next() };
            let Some(line) = next else { break };
            heard.push(line);
        }
        heard
    });
    (port, heard)
}

/// What comes of a digest, how many copies were confirmed, and what the server heard.
async fn send(answers: &[&str]) -> (Result<(), SmtpError>, u64, Vec<String>) {
    let (port, heard) = scripted(answers);
    let builder = Smtp::builder("127.0.0.1").insecure_plaintext().port(port);
    let mail = builder.from("a@example.org").to("ann@example.org").build().unwrap();
    let sent = mail.send(&digest([gone()]).await).await;
    let confirmed = mail.counts().confirmed;
    drop(mail);
    (sent.map_err(|error| smtp(&error).clone()), confirmed, heard.join().unwrap())
}

const HELLO: [&str; 2] = ["220 hello", "250-hello\r\n250 8BITMIME"];

async fn after_hello(answers: &[&str]) -> (Result<(), SmtpError>, u64, Vec<String>) {
    send(&[&HELLO, answers].concat()).await
}

#[tokio::test]
async fn what_is_said_is_smtp() {
    let answers = ["250 sender", "251 will forward", "354 go on", "250 taken", "221 bye"];
    let (sent, confirmed, heard) = after_hello(&answers).await;
    assert_eq!((sent, confirmed), (Ok(()), 1));
    let commands = ["EHLO [127.0.0.1]", "MAIL FROM:<a@example.org>", "RCPT TO:<ann@example.org>"];
    assert_eq!(heard[..3], commands);
    assert_eq!(heard[3..], ["DATA", ".", "QUIT"]);
}

#[tokio::test]
async fn an_answer_that_was_not_due_confirms_nothing() {
    // As after an answer that somebody in between put before all others.
    let (sent, confirmed, _) = after_hello(&["250 a", "250 b", "250 c", "250 d", "250 e"]).await;
    let error = sent.unwrap_err();
    assert_eq!((error.phase, error.code, confirmed), (Phase::Data, Some(250), 0));
    assert_eq!(error.class(), Class::Transient);
    for answer in ["251 taken?", "354 more", "220 hello"] {
        let (sent, confirmed, _) = after_hello(&["250 a", "250 b", "354 go on", answer]).await;
        let error = sent.unwrap_err();
        assert_eq!((error.phase, error.class(), confirmed), (Phase::Message, Class::Transient, 0));
    }
}

#[tokio::test]
async fn a_greeting_may_refuse_and_an_answer_may_be_none() {
    for (greeting, class) in [
        ("554 go away", Class::Permanent),
        ("421 too many", Class::Transient),
        ("\u{0}\u{1}\u{2}", Class::Transient),
        ("HTTP/1.1 400 Bad Request", Class::Transient),
        ("", Class::Transient),
    ] {
        let (sent, confirmed, _) = send(&[greeting]).await;
        let error = sent.unwrap_err();
        assert_eq!(
            (error.phase, error.class(), confirmed),
            (Phase::Connect, class, 0),
            "{greeting:?}"
        );
    }
}

#[tokio::test]
async fn what_a_server_says_is_told_on_one_line_within_a_bound() {
    let long = format!("550-{}\r\n550 \u{1b}[31m\u{202e}x", "no ".repeat(300));
    let (sent, _, _) = after_hello(&["250 a", &long]).await;
    let error = sent.unwrap_err();
    assert_eq!((error.phase, error.code), (Phase::Address, Some(550)));
    assert!(error.why.len() <= 512 && !error.why.contains(char::is_control), "{error}");
}

#[tokio::test]
async fn a_server_that_goes_away_in_between_has_confirmed_nothing() {
    let whole = [&HELLO[..], &["250 a", "250 b", "354 go on"]].concat();
    for known in 0..=whole.len() {
        let (sent, confirmed, _) = send(&whole[..known]).await;
        assert_eq!((sent.unwrap_err().class(), confirmed), (Class::Transient, 0), "{known}");
    }
}
