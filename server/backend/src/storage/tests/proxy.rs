//! A bad network on loopback: between us and a service, and in the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What goes wrong with every other request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Answered with 503: by turns before it was done, and after.
    Refuses,
    /// Ended in the middle: by turns of the request, before the answer, and in the answer.
    Cuts,
}

/// The proxy; it ends with the runtime of its test.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) address: String,
    troubled: Arc<AtomicU64>,
}

impl Proxy {
    pub(super) async fn start(service: &str, trouble: Trouble) -> Self {
        let service = service.strip_prefix("http://").expect("an address of loopback").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("is bound"));
        let troubled = Arc::new(AtomicU64::new(0));
        let (requests, counter) = (Arc::new(AtomicU64::new(0)), Arc::clone(&troubled));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (service, requests, troubled) = (service.clone(), Arc::clone(&requests), Arc::clone(&counter));
                tokio::spawn(async move {
                    let number = requests.fetch_add(1, Ordering::SeqCst);
                    let turn = (number % 2 == 1).then(|| troubled.fetch_add(1, Ordering::SeqCst));
                    // Whoever is cut off notices by itself.
                    drop(pass(client, &service, trouble, turn).await);
                });
            }
        });
        Self { address, troubled }
    }

    /// How many requests it spoiled.
    pub(super) fn troubled(&self) -> u64 {
        self.troubled.load(Ordering::SeqCst)
    }
}

const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// One request of one connection. `turn` counts those that go wrong.
async fn pass(mut client: TcpStream, service: &str, trouble: Trouble, turn: Option<u64>) -> std::io::Result<()> {
    let request = read(&mut client).await?;
    let part = match (trouble, turn) {
        (Trouble::Refuses, Some(turn)) if turn % 2 == 0 => return client.write_all(UNAVAILABLE).await,
        (Trouble::Cuts, Some(turn)) if turn % 3 == 0 => request.len() / 2,
        _ => request.len(),
    };
    let mut server = TcpStream::connect(service).await?;
    server.write_all(&request[..part]).await?;
    if part < request.len() {
        return Ok(());
    }
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    match (trouble, turn) {
        (Trouble::Refuses, Some(_)) => client.write_all(UNAVAILABLE).await,
        (Trouble::Cuts, Some(turn)) if turn % 3 == 1 => Ok(()),
        (Trouble::Cuts, Some(_)) => client.write_all(&answer[..answer.len() / 2]).await,
        (_, None) => client.write_all(&answer).await,
    }
}

/// A whole request, which says that the connection is to be closed after its answer.
async fn read(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let head = loop {
        if let Some(at) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if client.read_buf(&mut request).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let whole = head + 4 + length.map_or(0, |length| length.trim().parse::<usize>().expect("a length"));
    while request.len() < whole {
        if client.read_buf(&mut request).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    request.splice(head..head, *b"\r\nConnection: close");
    Ok(request)
}
