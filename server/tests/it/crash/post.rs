//! A mail server that counts what it takes and can keep a client waiting for ever at a chosen point.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Where a conversation stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// The command is not answered.
    Command(&'static str),
    /// In the middle of the mail.
    Body,
    /// The mail is taken, and its taking not answered.
    Dot,
    /// Nowhere: the point is reached when so many mails were taken and answered.
    Answered(usize),
}

#[derive(Debug)]
struct Seen {
    hold: Option<Point>,
    /// Mails answered since the point was set.
    answered: usize,
    /// Ids of messages in the order in which their mails were taken.
    taken: Vec<String>,
}

#[derive(Debug)]
struct Shared {
    seen: Mutex<Seen>,
    reached: watch::Sender<bool>,
}

/// The server on a free port of this machine; closes when dropped.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Post {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Post {
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Mutex::new(Seen { hold: None, answered: 0, taken: Vec::new() });
        let shared = Arc::new(Shared { seen, reached: watch::channel(false).0 });
        let task = tokio::spawn({
            let shared = shared.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let shared = shared.clone();
                    // Clients that are killed leave broken connections; that is what this is about.
                    tokio::spawn(async move { shared.talk(stream).await.ok() });
                }
            }
        });
        Self { port, shared, task }
    }

    /// Sets where the next conversations stand still.
    pub(super) fn hold(&self, point: Option<Point>) {
        let mut seen = self.shared.seen.lock().expect("no panic");
        (seen.hold, seen.answered) = (point, 0);
        self.shared.reached.send_replace(false);
    }

    /// Waits until a conversation is where it was to stand still.
    pub(super) async fn reached(&self) {
        let mut reached = self.shared.reached.subscribe();
        let waited = timeout(Duration::from_secs(20), reached.wait_for(|reached| *reached)).await;
        waited.expect("mails are sent").expect("the server lives");
    }

    pub(super) fn taken(&self) -> Vec<String> {
        self.shared.seen.lock().expect("no panic").taken.clone()
    }
}

impl Shared {
    fn holds(&self, point: Point) -> bool {
        self.seen.lock().expect("no panic").hold == Some(point)
    }

    /// Says that the point is reached, and waits for the client's end.
    async fn stand_still(&self, mut stream: BufReader<TcpStream>) -> std::io::Result<()> {
        self.reached.send_replace(true);
        stream.read_to_end(&mut Vec::new()).await.map(drop)
    }

    fn answered(&self) {
        let mut seen = self.seen.lock().expect("no panic");
        seen.answered += 1;
        if matches!(seen.hold, Some(Point::Answered(mails)) if seen.answered >= mails) {
            self.reached.send_replace(true);
        }
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 post\r\n").await?;
        let mut mail: Option<String> = None;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let text = line.trim_end();
            let answer = match (&mut mail, text.split([' ', ':']).next().unwrap_or_default()) {
                (Some(_), ".") => {
                    let mail = mail.take().unwrap_or_default();
                    self.seen.lock().expect("no panic").taken.push(message(&mail));
                    if self.holds(Point::Dot) {
                        return self.stand_still(stream).await;
                    }
                    stream.write_all(b"250 taken\r\n").await?;
                    self.answered();
                    continue;
                }
                (Some(mail), _) => {
                    if self.holds(Point::Body) {
                        return self.stand_still(stream).await;
                    }
                    mail.push_str(&line);
                    continue;
                }
                (None, "EHLO") => self.unless_held("EHLO", "250 post"),
                (None, "RCPT") => self.unless_held("RCPT", "250 ok"),
                (None, "DATA") => self.unless_held("DATA", "354 go on"),
                (None, "MAIL") => Some("250 ok"),
                (None, "QUIT") => Some("221 bye"),
                (None, _) => Some("502 unknown"),
            };
            let Some(answer) = answer else { return self.stand_still(stream).await };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
            if answer.starts_with("354") {
                mail = Some(String::new());
            }
        }
    }

    fn unless_held(&self, command: &'static str, answer: &'static str) -> Option<&'static str> {
        (!self.holds(Point::Command(command))).then_some(answer)
    }
}

/// Id of the message that a mail carries in its Message-ID.
fn message(mail: &str) -> String {
    let line = mail.lines().find_map(|line| line.strip_prefix("Message-ID: <")).expect("a Message-ID");
    line.split('@').next().unwrap_or_default().to_owned()
}
