//! What the builder refuses.

use std::time::Duration;

use seawall_capture::digest::smtp::{Recipient, Smtp, SmtpBuilder};

fn refused(change: impl FnOnce(SmtpBuilder) -> SmtpBuilder) -> &'static str {
    let builder = Smtp::builder("mail.example.org").from("a@example.org").to("b@example.org");
    change(builder).build().unwrap_err().field
}

#[test]
fn what_can_not_work_is_refused_and_named() {
    let second = Duration::from_secs(1);
    assert_eq!(refused(|b| b.hello("x\r\nMAIL FROM:<evil@example.org>")), "hello");
    assert_eq!(refused(|b| b.hello("")), "hello");
    assert_eq!(refused(|b| b.connect_timeout(Duration::ZERO)), "connect_timeout");
    assert_eq!(refused(|b| b.command_timeout(Duration::ZERO)), "command_timeout");
    assert_eq!(refused(|b| b.message_timeout(Duration::ZERO)), "message_timeout");
    assert_eq!(refused(|b| b.total_timeout(second)), "total_timeout");
    assert_eq!(refused(|b| b.to(Recipient::group::<String>([]))), "to");
    assert_eq!(refused(|b| b.root_certificate("what?")), "root_certificate");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(refused(|b| b.root_certificate(broken)), "root_certificate");
    let nobody = Smtp::builder("localhost").from("a@example.org").build();
    assert_eq!(nobody.unwrap_err().field, "to");
    for host in ["", "a b", "a\r\nb"] {
        let builder = Smtp::builder(host).from("a@example.org").to("b@example.org");
        assert_eq!(builder.build().unwrap_err().field, "host", "{host:?}");
    }
}
