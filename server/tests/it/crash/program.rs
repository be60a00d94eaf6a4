//! The built program on a database and a folder of its own.

use std::fs::File;
use std::io::Write;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use shutterpost_backend::db::DatabaseUrl;
use shutterpost_backend::testing::TestDatabase;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PASSWORD, PHOTO, multipart};

const OWNER: &str = "owner@home.example";

/// A folder to run the program in, and its databases.
#[derive(Clone)]
pub(crate) struct Place {
    folder: PathBuf,
    /// Where database, key store and roots are.
    stores: [(&'static str, String); 3],
}

impl Place {
    pub(crate) async fn new(database: &TestDatabase) -> Self {
        let text = |url: &DatabaseUrl| match url {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        let stores = [
            ("DATABASE_URL", text(&database.url)),
            ("SHUTTERPOST_KEY_STORE", text(&database.keys_url)),
            ("SHUTTERPOST_ROOTS", database.roots().display().to_string()),
        ];
        // The program has keys of its own, and so a ledger.
        database.execute_keys("UPDATE keystore SET ledger_count = 0, ledger_hash = NULL").await;
        let folder = database.folder().join("program");
        std::fs::create_dir(&folder).expect("a temporary folder");
        Self { folder, stores }
    }

    /// The program with nothing but its databases, reading nothing.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shutterpost"));
        command
            .current_dir(&self.folder)
            // Of the environment of the tests nothing must reach it.
            .env_clear()
            .envs(self.stores.iter().map(|(name, value)| (name, value)))
            .env("SHUTTERPOST_DATA", &self.folder)
            .stdin(Stdio::null());
        command
    }
}

/// Where it is installed, and what may upload to it.
pub(super) struct Program {
    place: Place,
    port: Port,
    mail_port: u16,
    event: String,
    device: String,
    /// Of the owner's session.
    cookie: String,
    log: &'static str,
}

/// The running program; killed when dropped, so that a failed test leaves nothing running.
pub(super) struct Running(Child);

impl Running {
    /// SIGKILL: nothing is tidied up.
    pub(super) fn kill(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which the test notices elsewhere.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Program {
    /// Makes an organisation, an event and a device through the doors that people use.
    pub(super) async fn install(database: &TestDatabase, mail_port: u16) -> Self {
        let place = Place::new(database).await;
        let (event, device) = (String::new(), String::new());
        let (cookie, log) = (String::new(), "serve.log");
        let mut program = Self { place, port: Port::reserve(), mail_port, event, device, cookie, log };
        program.create_owner();
        let running = program.start().await;
        let sign_in = format!("email={OWNER}&password={PASSWORD}");
        let signed_in = program.form("/cms/sign-in", "", &sign_in).await;
        program.cookie = between(&signed_in, "set-cookie: ", ";");
        // Far enough away to be the future whenever this runs.
        let draft = "name=Party&starts_on=2090-01-01&ends_on=2090-01-02&time_zone=UTC&retention_days=30";
        let created = program.form("/cms/events/new", &program.cookie, draft).await;
        program.event = between(&created, "location: /cms/events/", "?");
        let devices = format!("/cms/events/{}/devices", program.event);
        let issued = program.form(&devices, &program.cookie, "intent=create&name=Booth").await;
        let secret = issued.split("spd_").nth(1).expect("a secret on the page");
        let secret: String = secret.chars().take_while(char::is_ascii_alphanumeric).collect();
        program.device = format!("spd_{secret}");
        running.kill();
        program
    }

    /// A second program on the same databases and in the same folder, on another port.
    pub(super) fn twin(&self) -> Self {
        let Self { place, port: _, mail_port, event, device, cookie, log: _ } = self;
        Self {
            place: place.clone(),
            port: Port::reserve(),
            mail_port: *mail_port,
            event: event.clone(),
            device: device.clone(),
            cookie: cookie.clone(),
            log: "twin.log",
        }
    }

    /// Its port, and the token of its device.
    pub(super) fn door(&self) -> (u16, &str) {
        (self.port.number, &self.device)
    }

    /// Erases a capture as the owner.
    pub(super) async fn erase(&self, capture: &str) {
        let answer = self.form(&format!("/cms/captures/{capture}"), &self.cookie, "intent=erase").await;
        assert!(answer.contains("location: /cms/privacy/"), "{answer}");
    }

    fn create_owner(&self) {
        let mut command = self.command("admin.log");
        command.args(["admin", "create-owner", "--organisation", "Home", "--name", "Owner", "--email", OWNER]);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(PASSWORD.as_bytes()).expect("it reads");
        drop(stdin);
        assert!(child.wait().expect("a child").success(), "{}", self.read_log("admin.log"));
    }

    fn command(&self, log: &str) -> Command {
        let log = File::options().create(true).append(true).open(self.place.folder.join(log)).expect("a log");
        let mut command = self.place.command();
        command
            .env("SHUTTERPOST_PORT", self.port.number.to_string())
            .env("SHUTTERPOST_SMTP_URL", format!("smtp://127.0.0.1:{}", self.mail_port))
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        command
    }

    fn read_log(&self, name: &str) -> String {
        std::fs::read_to_string(self.place.folder.join(name)).unwrap_or_default()
    }

    /// Starts it and waits until it is ready.
    pub(super) async fn start(&self) -> Running {
        let mut running = Running(self.command(self.log).arg("serve").spawn().expect("starts"));
        for _ in 0..3000 {
            assert!(running.0.try_wait().expect("a child").is_none(), "it ended: {}", self.read_log(self.log));
            if self.ask("GET /readyz HTTP/1.1", &[]).await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return running;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not ready after a minute: {}", self.read_log(self.log));
    }

    /// Uploads a photo with a guest over REST; the name makes both unique. Gives id and path of the share page.
    pub(super) async fn upload(&self, name: &str) -> (String, String) {
        self.try_upload(name).await.expect("an answer")
    }

    /// The same; `None` if the program ended before it said yes.
    pub(super) async fn try_upload(&self, name: &str) -> Option<(String, String)> {
        let guest = format!(r#"{{"email":"{name}@example.com","consents":[{{"purpose":"delivery","granted":true}}]}}"#);
        let body = multipart(&[
            ("file", Some("image/jpeg"), PHOTO.to_vec()),
            ("guest", Some("application/json"), guest.into_bytes()),
        ]);
        let Self { event, device, .. } = self;
        let head = format!(
            "POST /api/v1/events/{event}/captures HTTP/1.1\r\nauthorization: Bearer {device}\r\n\
             idempotency-key: {name}\r\ncontent-type: multipart/form-data; boundary=line"
        );
        let answer = self.ask(&head, &body).await.ok()?;
        // Cut off in the middle of the answer counts as none.
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let accepted: serde_json::Value = serde_json::from_str(body).ok()?;
        assert!(head.starts_with("HTTP/1.1 201"), "{answer}");
        let text = |name: &str| accepted[name].as_str().expect("a text").to_owned();
        let url = text("share_url");
        Some((text("id"), url[url.find("/s/").expect("a share link")..].to_owned()))
    }

    /// Whether the page shows its picture, opened.
    pub(super) async fn shows(&self, page: &str) -> bool {
        let get = async |path: &str| self.ask(&format!("GET {path} HTTP/1.1"), &[]).await.expect("an answer");
        let html = get(page).await;
        let Some(from) = html.find("/m/").filter(|_| html.starts_with("HTTP/1.1 200")) else { return false };
        let token: String = html[from + 3..].chars().take_while(char::is_ascii_alphanumeric).collect();
        let picture = get(&format!("/m/{token}/web-1.jpg")).await;
        // Every segment of so small a file is verified before its first byte leaves.
        picture.starts_with("HTTP/1.1 200") && picture.contains("content-type: image/jpeg") && picture.len() > 2000
    }

    /// Posts a form as a browser does.
    async fn form(&self, path: &str, cookie: &str, fields: &str) -> String {
        let head = format!(
            "POST {path} HTTP/1.1\r\nsec-fetch-site: same-origin\r\ncookie: {cookie}\r\n\
             content-type: application/x-www-form-urlencoded"
        );
        let answer = self.ask(&head, fields.as_bytes()).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 303") || answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        answer
    }

    async fn ask(&self, head: &str, body: &[u8]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port.number)).await?;
        let length = body.len();
        let head = format!("{head}\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

fn between(text: &str, before: &str, after: &str) -> String {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("{before:?} in {text}")).1;
    rest.split(after).next().unwrap_or_default().to_owned()
}

/// A TCP port of one program, kept between its starts: all tests ask for the UDP port of the same number first, and nobody
/// else listens there.
struct Port {
    number: u16,
    _reserved: UdpSocket,
}

impl Port {
    /// Below those that systems give to outgoing connections, so that none of these takes it between two starts.
    fn reserve() -> Self {
        let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap_or(0);
        let reserve = |number| {
            let reserved = UdpSocket::bind(("127.0.0.1", number)).ok()?;
            std::net::TcpListener::bind(("127.0.0.1", number)).ok()?;
            Some(Self { number, _reserved: reserved })
        };
        (first..first + 1000).find_map(reserve).expect("a free port")
    }
}
