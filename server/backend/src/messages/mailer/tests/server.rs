//! A mail server in a few lines, with a mood.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// How the server behaves. Commands are named by their verb, the end of the mail by a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// Takes everything.
    Kind,
    /// Accepts the connection and says nothing.
    Silent,
    /// Does not answer the command.
    HangAt(&'static str),
    /// Closes the connection instead of answering the command.
    DropAt(&'static str),
    /// Closes the connection after the first line of the mail.
    DropInData,
    /// Answers the command with this line.
    Answer(&'static str, &'static str),
    /// Closes the connection after each mail it took.
    CloseAfterMail,
}

/// What the server does about TLS.
#[derive(Clone)]
pub(super) enum Protection {
    None,
    /// From the first byte.
    Tls(TlsAcceptor),
    /// Offered, and from then on.
    StartTls(TlsAcceptor),
}

/// Which part of a conversation is held over a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    BeforeTls,
    AfterTls,
}

/// A mail as it came over the wire.
#[derive(Debug, Clone, Default)]
pub(super) struct Received {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) data: String,
}

#[derive(Debug, Default)]
struct Seen {
    mails: Vec<Received>,
    commands: Vec<String>,
    connections: usize,
}

/// A server on a free port of this machine; stops when dropped.
#[derive(Debug)]
pub(super) struct MailServer {
    pub(super) port: u16,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl MailServer {
    pub(super) async fn start(mood: Mood) -> Self {
        Self::start_with(mood, Protection::None).await
    }

    pub(super) async fn start_with(mood: Mood, protection: Protection) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::<Mutex<Seen>>::default();
        let shared = seen.clone();
        let task = tokio::spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().expect("no panic").connections += 1;
                let (seen, protection) = (shared.clone(), protection.clone());
                // What a client does to its connection is no concern of the server's.
                guests.spawn(async move { drop(serve(stream, mood, protection, &seen).await) });
            }
        });
        Self { port, seen, task }
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.seen.lock().expect("no panic").mails.clone()
    }

    pub(super) fn commands(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").commands.clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.lock().expect("no panic").connections
    }
}

async fn serve(stream: TcpStream, mood: Mood, protection: Protection, seen: &Mutex<Seen>) -> std::io::Result<()> {
    match protection {
        Protection::None => talk(stream, mood, Part::Whole, seen).await.map(drop),
        Protection::Tls(acceptor) => talk(acceptor.accept(stream).await?, mood, Part::Whole, seen).await.map(drop),
        Protection::StartTls(acceptor) => match talk(stream, mood, Part::BeforeTls, seen).await? {
            Some(stream) => talk(acceptor.accept(stream).await?, mood, Part::AfterTls, seen).await.map(drop),
            None => Ok(()),
        },
    }
}

/// Gives the stream back when the client asked for TLS on it.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    mood: Mood,
    part: Part,
    seen: &Mutex<Seen>,
) -> std::io::Result<Option<S>> {
    let mut stream = BufReader::new(stream);
    if mood == Mood::Silent {
        std::future::pending::<()>().await;
    }
    if part != Part::AfterTls {
        stream.write_all(b"220 test ESMTP\r\n").await?;
        stream.flush().await?;
    }
    let (mut mail, mut in_data) = (Received::default(), false);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let text = line.trim_end_matches("\r\n");
        if in_data && text != "." {
            if mood == Mood::DropInData {
                return Ok(None);
            }
            mail.data.push_str(line.strip_prefix('.').unwrap_or(&line));
            continue;
        }
        let verb = text.split([' ', ':']).next().unwrap_or_default().to_owned();
        if !in_data {
            seen.lock().expect("no panic").commands.push(text.to_owned());
        }
        match mood {
            Mood::HangAt(at) if at == verb => std::future::pending().await,
            Mood::DropAt(at) if at == verb => return Ok(None),
            Mood::Answer(at, answer) if at == verb => {
                in_data = false;
                stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
                stream.flush().await?;
                continue;
            }
            _ => {}
        }
        let address = text.split(['<', '>']).nth(1).unwrap_or_default();
        let answer = match verb.as_str() {
            "EHLO" if part == Part::BeforeTls => "250-test\r\n250-8BITMIME\r\n250 STARTTLS",
            "STARTTLS" if part == Part::BeforeTls => "220 go on",
            "EHLO" => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            "AUTH" => "235 welcome",
            "MAIL" => {
                mail = Received { from: address.to_owned(), ..Received::default() };
                "250 ok"
            }
            "RCPT" => {
                mail.to = address.to_owned();
                "250 ok"
            }
            "DATA" => {
                in_data = true;
                "354 go on"
            }
            "." => {
                in_data = false;
                seen.lock().expect("no panic").mails.push(mail.clone());
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "502 unknown",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        stream.flush().await?;
        if verb == "STARTTLS" && part == Part::BeforeTls {
            return Ok(Some(stream.into_inner()));
        }
        if verb == "QUIT" || (verb == "." && mood == Mood::CloseAfterMail) {
            return Ok(None);
        }
    }
}
