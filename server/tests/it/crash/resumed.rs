//! Files that come in pieces through a network that cuts every connection at a random byte, into a server that is killed in
//! between: by a client that others have written, and by our own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use shutterpost_backend::testing::{self, TestDatabase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::post::Post;
use super::program::Program;
use crate::support::PHOTO;

/// The server is killed when so many connections were cut since the last time.
const CUTS: usize = 4;
/// How often.
const KILLS: usize = 3;

/// Stands between clients and the server, and cuts.
struct Network {
    port: u16,
    cuts: Arc<AtomicUsize>,
    /// Bytes that a connection lets through at most; zero: all.
    most: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Drop for Network {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Network {
    async fn open(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (cuts, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let (counted, limit) = (Arc::clone(&cuts), Arc::clone(&most));
        let task = tokio::spawn(async move {
            let mut dice = 53_u64;
            while let Ok((client, _)) = listener.accept().await {
                // The same cuts in every run, as far as clients do the same.
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let most = limit.load(Ordering::SeqCst);
                let most = if most == 0 { u64::MAX } else { 200 + (dice >> 33) % most };
                let counted = Arc::clone(&counted);
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
                    if carry(client, server, most).await {
                        counted.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        Self { port, cuts, most, task }
    }
}

/// Carries bytes both ways; `true` if it cut after so many of the client's.
async fn carry(mut client: TcpStream, mut server: TcpStream, most: u64) -> bool {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let there = async {
        let (mut left, mut buffer) = (most, vec![0; 16 * 1024]);
        loop {
            let count = from_client.read(&mut buffer).await.unwrap_or(0);
            let count = count.min(usize::try_from(left).unwrap_or(usize::MAX));
            if count == 0 || to_server.write_all(&buffer[..count]).await.is_err() {
                return left == 0;
            }
            left -= count as u64;
        }
    };
    tokio::select! {
        cut = there => cut,
        _ = tokio::io::copy(&mut from_server, &mut to_client) => false,
    }
}

/// The photo with a remark, so that each is another file.
fn photo(number: u8) -> Vec<u8> {
    let remark = [0xFF, 0xFE, 0x00, 0x06, b'n', b'o', b'.', b'0' + number];
    [&PHOTO[..2], &remark, &PHOTO[2..]].concat()
}

fn write(folder: &Path, number: u8) -> PathBuf {
    let path = folder.join(format!("photo-{number}.jpg"));
    std::fs::write(&path, photo(number)).expect("a temporary folder");
    path
}

async fn hashes(database: &TestDatabase) -> Vec<String> {
    let sql = if database.kind == "sqlite" { "lower(hex(file_hash))" } else { "encode(file_hash, 'hex')" };
    let mut hashes = database.select(&format!("SELECT {sql} AS line FROM ingest_requests")).await;
    hashes.sort_unstable();
    hashes
}

/// Each of the photos is one capture, byte by byte, and of no upload anything is left.
async fn all_are_there(database: &TestDatabase, photos: impl IntoIterator<Item = u8>) {
    let mut expected: Vec<String> =
        photos.into_iter().map(|number| HEXLOWER.encode(&Sha256::digest(photo(number)))).collect();
    expected.sort_unstable();
    assert_eq!(hashes(database).await, expected, "{}", database.kind);
    let captures = usize::try_from(database.count("captures", "1 = 1").await).expect("a count");
    assert_eq!(captures, expected.len(), "{}: one each", database.kind);
    assert_eq!(database.count("uploads_parts", "1 = 1").await, 0, "{}", database.kind);
}

/// A client that runs; killed when dropped.
struct Client {
    child: Child,
    said: PathBuf,
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended by itself, which is what most tests wait for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Client {
    fn start(mut command: Command, folder: &Path) -> Self {
        let said = folder.join("client.log");
        let log = File::create(&said).expect("a log");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        Self { child: command.spawn().expect("starts"), said }
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Its exit code and what it said.
    async fn end(mut self) -> (Option<i32>, String) {
        while !self.has_ended() {
            sleep(Duration::from_millis(5)).await;
        }
        let code = self.child.wait().expect("a child").code();
        (code, std::fs::read_to_string(&self.said).expect("a log"))
    }
}

/// Lets `client` run while the network cuts and the server is killed again and again; gives its exit code and what it said.
async fn torment(
    program: &Program,
    network: &Network,
    folder: &Path,
    client: impl Fn() -> Command,
) -> (Option<i32>, String) {
    network.most.store(PHOTO.len() as u64 / 3, Ordering::SeqCst);
    let mut running = program.start().await;
    let mut uploads = Client::start(client(), folder);
    for kill in 0..KILLS {
        let before = network.cuts.load(Ordering::SeqCst);
        while network.cuts.load(Ordering::SeqCst) < before + CUTS && !uploads.has_ended() {
            sleep(Duration::from_millis(2)).await;
        }
        running.kill();
        if kill == 1 && !uploads.has_ended() {
            // The client too: it has to know by itself how far it was.
            drop(uploads);
            uploads = Client::start(client(), folder);
        }
        running = program.start().await;
    }
    network.most.store(0, Ordering::SeqCst);
    let ended = uploads.end().await;
    assert!(network.cuts.load(Ordering::SeqCst) >= CUTS, "a network that cuts");
    running.kill();
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_others_cut_at_random_bytes_by_a_killed_server_uploads_each_file_once() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end/providers/tus.mjs");
    let installed = script.with_file_name("node_modules").join("tus-js-client");
    assert!(installed.exists(), "no client of resumable uploads; `cargo xtask test --only unit` installs it");
    for database in testing::databases().await {
        let post = Post::open().await;
        post.hold(None);
        let program = Program::install(&database, post.port).await;
        let (port, device) = program.door();
        let network = Network::open(port).await;
        let folder = database.folder().join("photos");
        std::fs::create_dir(&folder).expect("a temporary folder");
        let client = |file: &Path, parallel: &str| {
            let mut command = Command::new("node");
            command.arg(&script).arg(format!("http://127.0.0.1:{}/uploads", network.port)).arg(device);
            command.arg(file).arg(folder.join("addresses.json")).arg(parallel);
            command
        };
        let file = write(&folder, 1);
        let (code, said) = torment(&program, &network, database.folder(), || client(&file, "1")).await;
        assert_eq!(code, Some(0), "{}: {said}", database.kind);
        all_are_there(&database, [1]).await;

        // Joined of two that came side by side.
        let running = program.start().await;
        let file = write(&folder, 2);
        let (code, said) = Client::start(client(&file, "2"), database.folder()).end().await;
        assert_eq!(code, Some(0), "{}: {said}", database.kind);
        let told: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        assert!(told["capture"].as_str().is_some_and(|capture| capture.starts_with("cap_")), "{told}");
        all_are_there(&database, [1, 2]).await;
        running.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_pushed_through_cuts_and_kills_is_uploaded_once_and_put_away() {
    for database in testing::databases().await {
        let post = Post::open().await;
        post.hold(None);
        let program = Program::install(&database, post.port).await;
        let (port, device) = program.door();
        let network = Network::open(port).await;
        let folder = database.folder().join("booth");
        std::fs::create_dir(&folder).expect("a temporary folder");
        for number in 0..4 {
            let path = write(&folder, number);
            if number == 0 {
                let guest = r#"{"email":"booth@example.com","consents":[{"purpose":"delivery","granted":true}]}"#;
                std::fs::write(path.with_file_name("photo-0.jpg.json"), guest).expect("a temporary folder");
            }
        }
        std::fs::write(folder.join("photo-9.jpg.part"), b"half").expect("a temporary folder");
        std::fs::write(folder.join("broken.jpg"), b"no picture").expect("a temporary folder");
        let (done, status) = (database.folder().join("done"), database.folder().join("status.json"));
        let push = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_shutterpost"));
            command.arg("push").arg(&folder).arg("--server").arg(format!("http://127.0.0.1:{}", network.port));
            command.args(["--once", "--quiet", "0.1"]).arg("--done").arg(&done).arg("--status-json").arg(&status);
            command.env_clear().env("SHUTTERPOST_TOKEN", device);
            command
        };
        let (code, said) = torment(&program, &network, database.folder(), push).await;
        assert_eq!(code, Some(5), "{}: one is refused: {said}", database.kind);
        all_are_there(&database, 0..4).await;
        assert_eq!(database.count("guests", "1 = 1").await, 1, "the guest beside the photo");
        let told: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&status).expect("is written")).expect("JSON");
        assert_eq!((&told["done"], &told["waiting"]), (&4.into(), &0.into()), "{told}");
        assert_eq!(told["refused"][0]["code"], "file_kind", "{told}");
        assert!(done.join("photo-0.jpg").exists() && done.join("photo-0.jpg.json").exists());
        assert!(folder.join("broken.jpg").exists() && folder.join("photo-9.jpg.part").exists());

        // The journal is lost, and the photos are put into the folder once more.
        std::fs::remove_file(folder.join(".shutterpost-push")).expect("was there");
        for number in 0..4 {
            write(&folder, number);
        }
        std::fs::remove_file(folder.join("broken.jpg")).expect("is there");
        let running = program.start().await;
        std::fs::remove_dir_all(&done).expect("is there");
        let (code, said) = Client::start(push(), database.folder()).end().await;
        // Without its guest the first is another request under a used key; the others are the same.
        assert_eq!(code, Some(5), "{}: {said}", database.kind);
        all_are_there(&database, 0..4).await;
        running.kill();
    }
}
