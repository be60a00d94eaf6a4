//! A network in front of PostgreSQL whose connections are cut, before something is asked or before it is answered.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::machine::{Call, Machine};
use crate::db::DatabaseUrl;

/// The same database behind a relay that asks the machine about every message. It ends with the runtime.
pub(super) async fn to(url: &DatabaseUrl, machine: &Machine, call: Call) -> DatabaseUrl {
    let DatabaseUrl::Postgres(text) = url else { panic!("SQLite has no network") };
    let mut url = Url::parse(text).expect("a URL");
    let server = (url.host_str().expect("a host").to_owned(), url.port().unwrap_or(5432));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    url.set_host(Some("127.0.0.1")).expect("a host");
    url.set_port(Some(listener.local_addr().expect("an address").port())).expect("a port");
    let machine = machine.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (machine, server) = (machine.clone(), server.clone());
            // Cut connections end with an error on either side; that is what this is about.
            tokio::spawn(async move { pass(client, TcpStream::connect(server).await?, &machine, call).await });
        }
    });
    DatabaseUrl::Postgres(url.into())
}

async fn pass(mut client: TcpStream, mut server: TcpStream, machine: &Machine, call: Call) -> io::Result<()> {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    loop {
        tokio::select! {
            length = client.read(&mut asked) => {
                let length = length?;
                if length == 0 {
                    return Ok(());
                }
                let refused = machine.change(call).is_err();
                if !refused || machine.is_late() {
                    server.write_all(&asked[..length]).await?;
                }
                if refused {
                    if machine.is_late() {
                        // It has begun to answer, so it has done what was asked.
                        server.read_exact(&mut answered[..1]).await?;
                    }
                    return Ok(());
                }
            }
            length = server.read(&mut answered) => {
                let length = length?;
                if length == 0 {
                    return Ok(());
                }
                client.write_all(&answered[..length]).await?;
            }
        }
    }
}
