//! Mails as they travel, and a mail server that behaves badly.

mod server;
mod tls;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use shutterpost_model::messages::{FailureReason, RenderedMail};
use shutterpost_model::pii::Pii;
use shutterpost_model::time::Millis;
use tempfile::TempDir;

use super::server::{Security, Server, SmtpFault};
use super::{Envelope, Mailer, OutboxMailer, SmtpMailer, host_of};
use server::{MailServer, Mood};

const ORIGIN: &str = "https://photos.example";

fn envelope(to: &str) -> Envelope {
    Envelope {
        message_id: "msg_0123@photos.example".to_owned(),
        to: Pii::new(to.to_owned()),
        sender: Some("Müller & Söhne".to_owned()),
        at: Millis(1_800_000_000_000),
    }
}

fn mail() -> RenderedMail {
    RenderedMail {
        subject: Pii::new("Dein Foto\r\nBcc: all@example.com".to_owned()),
        text: Pii::new(".a line that begins with a dot\nund Grüße".to_owned()),
        html: Pii::new("<p>Grüße</p>".to_owned()),
    }
}

fn mailer(server: &MailServer, query: &str) -> SmtpMailer {
    let url = format!("smtp://127.0.0.1:{}{query}", server.port);
    SmtpMailer::new(&url, None, ORIGIN).expect("the URL is good").with_limit(Duration::from_secs(2))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_arrives_whole() {
    let server = MailServer::start(Mood::Kind).await;
    mailer(&server, "").send(&envelope("anna@example.com"), mail()).await.expect("taken");
    let received = server.received();
    let [mail] = received.as_slice() else { panic!("one mail") };
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("no-reply@photos.example", "anna@example.com"));
    let (head, body) = mail.data.split_once("\r\n\r\n").expect("head and body");
    let head = head.replace("\r\n ", " ");
    for line in [
        "Message-ID: <msg_0123@photos.example>",
        "Date: Fri, 15 Jan 2027 08:00:00 +0000",
        "Auto-Submitted: auto-generated",
        "To: anna@example.com",
        "MIME-Version: 1.0",
        "Subject: Dein Foto  Bcc: all@example.com",
    ] {
        assert!(head.lines().any(|found| found == line), "{line} in {head}");
    }
    assert!(head.contains("<no-reply@photos.example>") && head.contains("=?utf-8?"), "{head}");
    assert!(head.contains("multipart/alternative"), "{head}");
    let (text, html) = (body.find("text/plain").expect("text"), body.find("text/html").expect("HTML"));
    assert!(text < html, "the text comes first");
    assert!(body.contains("\n.a line that begins with a dot\r\n"), "the dot is stuffed and unstuffed: {body}");
    assert!(mail.data.is_ascii());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_internationalised_domain_travels_in_ascii() {
    let server = MailServer::start(Mood::Kind).await;
    mailer(&server, "").send(&envelope("anna@müller.example"), mail()).await.expect("taken");
    assert_eq!(server.received()[0].to, "anna@xn--mller-kva.example");
    // The server does not know SMTPUTF8, so nothing could be delivered to this one.
    let result = mailer(&server, "").send(&envelope("jörg@müller.example"), mail()).await;
    assert_eq!(result, Err(FailureReason::AddressRefused));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_misbehaviour_has_its_reason_within_bounded_time() {
    use FailureReason as R;
    let cases = [
        (Mood::Silent, "", R::TimedOut),
        (Mood::HangAt("EHLO"), "", R::TimedOut),
        (Mood::HangAt("RCPT"), "", R::TimedOut),
        (Mood::HangAt("DATA"), "", R::TimedOut),
        (Mood::HangAt("."), "", R::TimedOut),
        (Mood::DropAt("MAIL"), "", R::Unreachable),
        (Mood::DropAt("DATA"), "", R::Unreachable),
        (Mood::DropInData, "", R::Unreachable),
        (Mood::DropAt("."), "", R::Unreachable),
        (Mood::Answer("RCPT", "450 4.2.0 <anna@example.com> greylisted"), "", R::TryLater),
        (Mood::Answer("RCPT", "550 5.1.1 <anna@example.com> unknown"), "", R::AddressRefused),
        (Mood::Answer("RCPT", "530 5.7.0 sign in first"), "", R::Refused),
        (Mood::Answer("MAIL", "451 4.3.0 busy"), "", R::TryLater),
        (Mood::Answer("MAIL", "553 5.7.1 not your address"), "", R::MessageRefused),
        (Mood::Answer("DATA", "451 4.3.0 busy"), "", R::TryLater),
        (Mood::Answer(".", "554 5.6.0 looks like spam"), "", R::MessageRefused),
        (Mood::Answer(".", "452 4.3.1 no space"), "", R::TryLater),
        (Mood::Answer("EHLO", "421 too many connections"), "", R::TryLater),
        (Mood::Answer(".", "nonsense"), "", R::Unreachable),
        // STARTTLS is demanded and not offered: nothing is sent in the clear.
        (Mood::Kind, "?tls=required", R::Refused),
    ];
    let began = Instant::now();
    // Side by side, because half of them wait for the limit.
    join_all(cases.map(|(mood, query, reason)| async move {
        let server = MailServer::start(mood).await;
        let result = mailer(&server, query).send(&envelope("anna@example.com"), mail()).await;
        assert_eq!(result, Err(reason), "{mood:?}");
    }))
    .await;
    assert!(began.elapsed() < Duration::from_secs(20), "bounded by the limit of two seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_and_a_server_without_tls_are_told_apart() {
    let server = MailServer::start(Mood::Kind).await;
    let tls = SmtpMailer::new(&format!("smtps://127.0.0.1:{}", server.port), None, ORIGIN).expect("a good URL");
    assert_eq!(tls.send(&envelope("anna@example.com"), mail()).await, Err(FailureReason::Refused));
    let port = server.port;
    drop(server);
    let gone = SmtpMailer::new(&format!("smtp://127.0.0.1:{port}"), None, ORIGIN).expect("a good URL");
    assert_eq!(gone.send(&envelope("anna@example.com"), mail()).await, Err(FailureReason::Unreachable));
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_uses_the_password_as_written_and_its_refusal_passes() {
    let server = MailServer::start(Mood::Kind).await;
    let url = format!("smtp://us%40er:p%3Ass@127.0.0.1:{}", server.port);
    let mailer = SmtpMailer::new(&url, None, ORIGIN).expect("a good URL");
    mailer.send(&envelope("anna@example.com"), mail()).await.expect("taken");
    // AUTH PLAIN: NUL, user, NUL, password.
    let plain = data_encoding::BASE64.encode(b"\0us@er\0p:ss");
    assert!(server.commands().contains(&format!("AUTH PLAIN {plain}")));

    let server = MailServer::start(Mood::Answer("AUTH", "535 5.7.8 wrong")).await;
    let url = format!("smtp://user:wrong@127.0.0.1:{}", server.port);
    let mailer = SmtpMailer::new(&url, None, ORIGIN).expect("a good URL");
    assert_eq!(mailer.send(&envelope("anna@example.com"), mail()).await, Err(FailureReason::Refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_used_again_while_they_live() {
    let server = MailServer::start(Mood::Kind).await;
    let reusing = mailer(&server, "");
    for _ in 0..3 {
        reusing.send(&envelope("anna@example.com"), mail()).await.expect("taken");
    }
    assert_eq!((server.received().len(), server.connections()), (3, 1));

    // One that closes after each mail makes the next mail neither fail nor arrive twice.
    let server = MailServer::start(Mood::CloseAfterMail).await;
    let reusing = mailer(&server, "");
    for _ in 0..3 {
        reusing.send(&envelope("anna@example.com"), mail()).await.expect("taken");
    }
    assert_eq!((server.received().len(), server.connections()), (3, 3));
}

#[test]
fn the_url_decides_how_the_connection_is_protected() {
    for (url, expected) in [
        ("smtps://mail.example", Ok((Security::Tls, "mail.example", 465))),
        ("smtp://mail.example", Ok((Security::StartTls, "mail.example", 587))),
        ("smtp://mail.example:25?tls=required", Ok((Security::StartTls, "mail.example", 25))),
        ("smtp://relay:25?tls=none", Ok((Security::Plain, "relay", 25))),
        ("smtp://localhost", Ok((Security::Plain, "localhost", 25))),
        ("smtp://127.0.0.1:1025/", Ok((Security::Plain, "127.0.0.1", 1025))),
        ("smtp://[::1]:1025", Ok((Security::Plain, "::1", 1025))),
        ("smtp://localhost?tls=required", Ok((Security::StartTls, "localhost", 587))),
        ("smtp://user:pass@localhost:1025", Ok((Security::Plain, "localhost", 1025))),
        ("smtp://user:pass@mail.example?tls=none", Err(SmtpFault::PlainPassword)),
        ("smtp://user@mail.example", Err(SmtpFault::Credentials)),
        ("smtp://mail.example?tls=opportunistic", Err(SmtpFault::UnknownPart("?tls=opportunistic".into()))),
        ("smtps://mail.example?tls=none", Err(SmtpFault::UnknownPart("?tls=none".into()))),
        ("smtp://mail.example/inbox", Err(SmtpFault::UnknownPart("/inbox".into()))),
        ("http://user:secret@mail.example", Err(SmtpFault::Scheme("http".into()))),
        ("mail.example:25", Err(SmtpFault::Scheme("mail.example".into()))),
        ("smtp://", Err(SmtpFault::Unreadable)),
        ("", Err(SmtpFault::Unreadable)),
    ] {
        let server = Server::parse(url);
        let found = server.as_ref().map(|server| (server.security, server.host.as_str(), server.port));
        assert_eq!(found.map_err(Clone::clone), expected, "{url}");
    }
}

#[test]
fn the_sender_comes_from_the_origin_unless_configured() {
    for (from, origin) in [
        (None, "http://localhost:8080"),
        (None, "http://127.0.0.1:8080"),
        (None, "http://[::1]:8080"),
        (Some("Fotos <fotos@example.com>"), ORIGIN),
        (Some("fotos@example.com"), ORIGIN),
    ] {
        assert!(SmtpMailer::new("smtp://localhost", from, origin).is_ok(), "{from:?} {origin}");
    }
    let fault = SmtpMailer::new("smtp://localhost", Some("nobody"), ORIGIN).expect_err("refused");
    assert_eq!(fault, SmtpFault::From("nobody".into()));
    assert_eq!(host_of("http://[::1]:8080"), "[::1]");
    assert_eq!(host_of("http://[::1]"), "[::1]");
    assert_eq!(host_of("https://photos.example:8443"), "photos.example");
}

#[tokio::test]
async fn the_outbox_keeps_mails_newest_last_and_each_once() {
    let folder = TempDir::new().expect("a folder");
    let outbox = OutboxMailer::new(folder.path().join("outbox"));
    assert_eq!(outbox.list().await.expect("lists"), []);
    let newer = Envelope { message_id: "msg_2.1@x".into(), at: Millis(2), ..envelope("b@example.com") };
    let older = Envelope { message_id: "msg_1@x".into(), at: Millis(1), ..envelope("a@example.com") };
    for envelope in [&newer, &older, &newer] {
        outbox.send(envelope, mail()).await.expect("kept");
    }
    let mails = outbox.list().await.expect("lists");
    assert_eq!(mails.iter().map(|mail| mail.id.as_str()).collect::<Vec<_>>(), ["msg_1@x", "msg_2.1@x"]);
    assert_eq!(mails[0].to.get(), "a@example.com");

    // A place that cannot be written to is a failure that may pass.
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let broken = OutboxMailer::new(file.join("outbox"));
    assert_eq!(broken.send(&newer, mail()).await, Err(FailureReason::Internal));
}
