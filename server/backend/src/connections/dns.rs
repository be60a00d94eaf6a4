//! Asking DNS for the texts of a name: one question to the machine's name server, or the one that the operator names. By UDP,
//! and by TCP where the answer is too long for that.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::context::World;

const PORT: u16 = 53;
/// For one try.
const PATIENCE: Duration = Duration::from_secs(2);
const TRIES: usize = 2;
/// The longest answer by UDP that we ask for.
const LONGEST: usize = 512;
const TXT: u16 = 16;
const INTERNET: u16 = 1;
const HEADER: usize = 12;

/// Nobody could say whether there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

/// What texts a name has.
#[async_trait]
pub trait Texts: fmt::Debug + Send + Sync {
    /// All of them; none if there is no such name.
    async fn texts(&self, name: &str, world: &World) -> Result<Vec<String>, Unavailable>;
}

/// Asks name servers, one after the other.
#[derive(Debug, Clone)]
pub struct NameServers(Vec<SocketAddr>);

impl NameServers {
    pub const fn new(servers: Vec<SocketAddr>) -> Self {
        Self(servers)
    }

    /// Those of the machine; where it names none, the one on the machine itself.
    pub fn of_machine() -> Self {
        let text = std::fs::read_to_string(Path::new("/etc/resolv.conf")).unwrap_or_default();
        let mut servers: Vec<SocketAddr> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("nameserver"))
            .filter_map(|rest| rest.trim().parse::<IpAddr>().ok())
            .map(|address| SocketAddr::new(address, PORT))
            .collect();
        if servers.is_empty() {
            servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PORT));
        }
        Self(servers)
    }
}

#[async_trait]
impl Texts for NameServers {
    async fn texts(&self, name: &str, world: &World) -> Result<Vec<String>, Unavailable> {
        for _ in 0..TRIES {
            for server in &self.0 {
                // Another number each time: an answer that was guessed does not fit.
                let query = Query::new(world.bytes(), name).ok_or(Unavailable)?;
                let answer = match timeout(PATIENCE, by_udp(*server, &query)).await {
                    Ok(Some(Answer::Cut)) => timeout(PATIENCE, by_tcp(*server, &query)).await.ok().flatten(),
                    Ok(answer) => answer,
                    Err(_) => None,
                };
                if let Some(Answer::Texts(texts)) = answer {
                    return Ok(texts);
                }
            }
        }
        Err(Unavailable)
    }
}

/// A question as it is sent.
struct Query {
    message: Vec<u8>,
}

enum Answer {
    Texts(Vec<String>),
    /// There is more than fits.
    Cut,
}

impl Query {
    /// `None` if the name cannot stand in a question.
    fn new(id: [u8; 2], name: &str) -> Option<Self> {
        // Recursion desired; one question, nothing else.
        let [first, second] = id;
        let mut message = vec![first, second, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
            message.push(length);
            message.extend_from_slice(label.as_bytes());
        }
        message.push(0);
        message.extend_from_slice(&TXT.to_be_bytes());
        message.extend_from_slice(&INTERNET.to_be_bytes());
        (message.len() <= LONGEST).then_some(Self { message })
    }

    /// What the answer says; `None` if it is none to this question, or says that the server could not find out.
    fn read(&self, answer: &[u8]) -> Option<Answer> {
        let flags = number(answer, 2)?;
        let question = self.message.get(HEADER..)?;
        let echoed = answer.get(HEADER..self.message.len())?;
        let fits = answer.get(..2)? == self.message.get(..2)?
            && flags & 0x8000 != 0
            && number(answer, 4)? == 1
            && echoed.eq_ignore_ascii_case(question);
        if !fits {
            return None;
        }
        if flags & 0x0200 != 0 {
            return Some(Answer::Cut);
        }
        match flags & 0x000f {
            0 => {}
            // No such name.
            3 => return Some(Answer::Texts(Vec::new())),
            _ => return None,
        }
        let mut at = self.message.len();
        let mut texts = Vec::new();
        for _ in 0..number(answer, 6)? {
            at = after_name(answer, at)?;
            let (kind, class, length) = (number(answer, at)?, number(answer, at + 2)?, number(answer, at + 8)?);
            let data = answer.get(at + 10..at + 10 + usize::from(length))?;
            if (kind, class) == (TXT, INTERNET) {
                texts.push(text(data)?);
            }
            at += 10 + usize::from(length);
        }
        Some(Answer::Texts(texts))
    }
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    message.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

/// Where a name ends. It is not read: whose records they are the question says.
fn after_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            // Goes on elsewhere.
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

/// The strings of a record are one text.
fn text(mut data: &[u8]) -> Option<String> {
    let mut bytes = Vec::new();
    while let Some((length, rest)) = data.split_first() {
        bytes.extend_from_slice(rest.get(..usize::from(*length))?);
        data = rest.get(usize::from(*length)..)?;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

async fn by_udp(server: SocketAddr, query: &Query) -> Option<Answer> {
    let own: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(own, 0)).await.ok()?;
    // From then on only what comes from that address is taken.
    socket.connect(server).await.ok()?;
    socket.send(&query.message).await.ok()?;
    let mut buffer = [0; LONGEST];
    loop {
        let length = socket.recv(&mut buffer).await.ok()?;
        let answer = buffer.get(..length)?;
        // Others are passed over: the right one may still come.
        if answer.get(..2) == query.message.get(..2) {
            return query.read(answer);
        }
    }
}

async fn by_tcp(server: SocketAddr, query: &Query) -> Option<Answer> {
    let mut stream = TcpStream::connect(server).await.ok()?;
    let length = u16::try_from(query.message.len()).ok()?;
    stream.write_all(&length.to_be_bytes()).await.ok()?;
    stream.write_all(&query.message).await.ok()?;
    let length = stream.read_u16().await.ok()?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await.ok()?;
    query.read(&answer)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;

    /// A small name server on this machine: real questions and answers, over UDP and TCP.
    pub(in crate::connections) struct Server {
        pub(in crate::connections) address: SocketAddr,
        zone: Arc<Mutex<Vec<(String, String)>>>,
        broken: Arc<Mutex<bool>>,
        _tasks: JoinSet<()>,
    }

    impl Server {
        pub(in crate::connections) async fn start() -> Self {
            let (udp, tcp, address) = loop {
                let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
                let address = udp.local_addr().expect("bound");
                // The same one may be somebody else's over TCP.
                if let Ok(tcp) = TcpListener::bind(address).await {
                    break (udp, tcp, address);
                }
            };
            let (zone, broken) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(false)));
            let mut tasks = JoinSet::new();
            let (of_udp, of_tcp) = ((Arc::clone(&zone), Arc::clone(&broken)), (Arc::clone(&zone), Arc::clone(&broken)));
            tasks.spawn(async move {
                let mut buffer = [0; 2048];
                while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
                    let mut answer = answer(&buffer[..length], &of_udp.0.lock().unwrap(), *of_udp.1.lock().unwrap());
                    if answer.len() > LONGEST {
                        answer.truncate(HEADER);
                        answer[2] |= 2;
                        answer.extend_from_slice(&buffer[HEADER..length]);
                        answer[6..8].fill(0);
                    }
                    // An answer to another question comes first.
                    let mut wrong = answer.clone();
                    wrong[0] ^= 1;
                    udp.send_to(&wrong, from).await.ok();
                    udp.send_to(&answer, from).await.ok();
                }
            });
            tasks.spawn(async move {
                while let Ok((mut stream, _)) = tcp.accept().await {
                    let length = stream.read_u16().await.expect("a length");
                    let mut question = vec![0; usize::from(length)];
                    stream.read_exact(&mut question).await.expect("a question");
                    let answer = answer(&question, &of_tcp.0.lock().unwrap(), *of_tcp.1.lock().unwrap());
                    let length = u16::try_from(answer.len()).expect("short");
                    stream.write_all(&length.to_be_bytes()).await.ok();
                    stream.write_all(&answer).await.ok();
                }
            });
            Self { address, zone, broken, _tasks: tasks }
        }

        pub(in crate::connections) fn publish(&self, name: &str, text: &str) {
            self.zone.lock().unwrap().push((name.to_owned(), text.to_owned()));
        }

        pub(in crate::connections) fn clear(&self) {
            self.zone.lock().unwrap().clear();
        }

        /// It answers that it could not find out.
        pub(in crate::connections) fn fail(&self, fails: bool) {
            *self.broken.lock().unwrap() = fails;
        }

        pub(in crate::connections) fn resolver(&self) -> NameServers {
            NameServers::new(vec![self.address])
        }
    }

    fn answer(question: &[u8], zone: &[(String, String)], broken: bool) -> Vec<u8> {
        let mut name = Vec::new();
        let mut at = HEADER;
        while question[at] != 0 {
            let end = at + 1 + usize::from(question[at]);
            name.push(String::from_utf8_lossy(&question[at + 1..end]).into_owned());
            at = end;
        }
        let name = name.join(".");
        let texts: Vec<&String> = zone.iter().filter(|(of, _)| *of == name).map(|(_, text)| text).collect();
        let known = zone.iter().any(|(of, _)| *of == name);
        let code = if broken {
            2
        } else if known {
            0
        } else {
            3
        };
        let count = u8::try_from(texts.len()).expect("few");
        let mut answer = vec![question[0], question[1], 0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0];
        answer.extend_from_slice(&question[HEADER..]);
        for text in texts {
            answer.extend_from_slice(&[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
            let mut data = Vec::new();
            for part in text.as_bytes().chunks(200) {
                data.push(u8::try_from(part.len()).expect("short"));
                data.extend_from_slice(part);
            }
            answer.extend_from_slice(&u16::try_from(data.len()).expect("short").to_be_bytes());
            answer.extend_from_slice(&data);
        }
        answer
    }

    #[tokio::test]
    async fn texts_come_by_udp_or_by_tcp_and_none_is_not_unknown() {
        let (server, world) = (Server::start().await, crate::testing::world());
        let resolver = server.resolver();
        server.publish("_shutterpost.example.com", "one");
        server.publish("_shutterpost.example.com", "two");
        assert_eq!(resolver.texts("_shutterpost.example.com", &world).await, Ok(vec!["one".into(), "two".into()]));
        assert_eq!(resolver.texts("_shutterpost.example.net", &world).await, Ok(Vec::new()));
        // Long ones come in several strings, and too many for UDP.
        for letter in ["a", "b", "c"] {
            server.publish("long.example.com", &letter.repeat(300));
        }
        let long = resolver.texts("long.example.com", &world).await.expect("by TCP");
        assert_eq!(long.iter().map(String::len).collect::<Vec<_>>(), [300, 300, 300]);
        server.fail(true);
        assert_eq!(resolver.texts("_shutterpost.example.com", &world).await, Err(Unavailable));
        for name in ["", "a..b", &"x".repeat(64)] {
            assert_eq!(resolver.texts(name, &world).await, Err(Unavailable), "{name}");
        }
    }

    #[test]
    fn broken_answers_are_none() {
        let query = Query::new([1, 2], "a.example").expect("a name");
        let good = answer(&query.message, &[("a.example".into(), "text".into())], false);
        assert!(matches!(query.read(&good), Some(Answer::Texts(texts)) if texts == ["text"]));
        for length in 0..good.len() {
            assert!(query.read(&good[..length]).is_none(), "{length} bytes");
        }
        let other = Query::new([1, 2], "b.example").expect("a name");
        assert!(other.read(&good).is_none(), "an answer to another question");
    }
}
