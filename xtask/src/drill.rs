//! `cargo xtask recovery-drill`: shows on a real server that its backups are good. Photos and guests come in, some guests
//! are erased, the process is killed and its disk is lost; then the oldest and the newest state and three at random come
//! back, and in each everything that lived then and was never erased opens, and nothing erased does.
//!
//! What survives the disk is what has to be kept apart: key file, root keys and the copy of the ledger.

use std::{
    collections::hash_map::RandomState,
    fs,
    hash::{BuildHasher as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    booth,
    checkout::Checkout,
    failure::{Failure, While as _},
    http::{self, Connection},
    postgres::Postgres,
    process::{capture, command, run as run_command},
    progress,
    running::{Running, free_port},
    scratch::Scratch,
    server::{self, Place, Profile},
};

/// Photos that come in, each with a guest of its own.
const PHOTOS: usize = 30;
/// Guests who are erased.
const ERASED: usize = 10;
/// States that come back between the oldest and the newest.
const RANDOM_POINTS: usize = 3;
/// How far around a state nothing is asked: what is shipped each second is late by up to two, in milliseconds.
const BLUR: u64 = 2_500;
const START_LIMIT: Duration = Duration::from_secs(60);

/// What is drilled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Databases {
    Sqlite,
    Postgres,
}

/// A photo and its guest.
struct Photo {
    page: String,
    capture: String,
    guest: String,
    /// Unix milliseconds when the server had said yes.
    at: u64,
    erased: bool,
}

/// What a state that came back was like.
#[derive(Default)]
struct Found {
    living: usize,
    erased: usize,
    later: usize,
}

/// Runs the drill and returns its one line.
pub fn run(checkout: &Checkout, databases: Databases) -> Result<Value, Failure> {
    let binary = server::build(checkout, Profile::Debug)?;
    let folder = Scratch::new("recovery-drill")?;
    let disks = Disks { binary, root: folder.path().to_owned() };
    let photo = fs::read(checkout.root.join("server/assets/demo/one.jpg")).or_fail("reading a photo")?;

    let step = progress::step(&format!("{PHOTOS} photos, {ERASED} erasures"), "about a minute");
    let main = disks.place("main")?;
    let json = folder.path().join("demo.json");
    let servers = match databases {
        Databases::Sqlite => None,
        Databases::Postgres => Some(Servers { data: Postgres::new("drill-data")?, keys: Postgres::new("drill-keys")? }),
    };
    run_command(disks.command(&main, &disks.kept(), servers.as_ref()).arg("demo").arg("--json").arg(&json))?;
    let demo = fs::read_to_string(&json).or_fail("reading the demo")?;
    let demo: Value = serde_json::from_str(&demo).or_fail("reading the demo")?;
    let mut server = disks.serve(&main, &disks.kept(), servers.as_ref(), true)?.ended_by("KILL");
    server.wait_for(main.port, "/readyz", START_LIMIT)?;
    let photos = live(main.port, &demo, &photo)?;
    // What was committed last is shipped within two seconds.
    progress::pause(Duration::from_millis(BLUR));
    drop(server);
    step.done();

    progress::note("the process is killed and its disk is lost");
    drop(servers);
    fs::remove_dir_all(&main.data).or_fail("losing the disk")?;

    let (first, last) = (photos.first().map_or(0, |photo| photo.at), photos.last().map_or(0, |photo| photo.at));
    let mut points = vec![Some(first + BLUR)];
    points.extend((0..RANDOM_POINTS).map(|_| Some(first + BLUR + random() % (last - first - BLUR))));
    points.push(None);
    let (mut states, mut slowest) = (Vec::new(), Duration::ZERO);
    for (number, point) in points.into_iter().enumerate() {
        let name = point.map_or_else(|| Ok("latest".to_owned()), rfc3339)?;
        let step = progress::step(&format!("back to {name}"), "a few seconds");
        let started = Instant::now();
        let found = disks.come_back(&format!("back-{number}"), databases, &name, point, &photos)?;
        slowest = slowest.max(started.elapsed());
        step.done();
        let Found { living, erased, later } = found;
        progress::note(&format!("{living} photos open, {erased} erased ones do not, {later} came later"));
        states.push(json!({ "at": name, "living": living, "erased": erased, "later": later }));
    }
    Ok(json!({
        "drill": "recovery", "postgres": databases == Databases::Postgres, "photos": PHOTOS, "erased": ERASED, "states": states,
        "slowest_seconds": (slowest.as_secs_f64() * 10.0).round() / 10.0,
    }))
}

/// Photos come in, a second or so apart; every third guest is erased a while after they came.
fn live(port: u16, demo: &Value, photo: &[u8]) -> Result<Vec<Photo>, Failure> {
    let token = demo.pointer("/api_token").and_then(Value::as_str).or_fail("reading the demo's token")?;
    let bearer = format!("Bearer {token}");
    let mut photos: Vec<Photo> = Vec::new();
    let mut erased = 0;
    for number in 0..PHOTOS {
        let guest = format!(r#"{{"name":"Guest {number}","email":"guest{number}@drill.example"}}"#);
        let accepted = booth::upload(port, demo, &format!("drill-{number}"), photo, Some(&guest))?;
        let text = |pointer| accepted.pointer(pointer).and_then(Value::as_str).or_fail("reading an upload's answer");
        let (capture, url) = (text("/id")?.to_owned(), text("/share_url")?);
        let page = url.get(url.find("/s/").or_fail("reading a share link")?..).unwrap_or_default().to_owned();
        let shown = ask(port, &format!("/api/v1/captures/{capture}"), &bearer)?.or_fail("finding the capture")?;
        let guest = shown.pointer("/guests/0/id").and_then(Value::as_str).or_fail("finding the guest")?.to_owned();
        photos.push(Photo { page, capture, guest, at: now()?, erased: false });
        if number % 3 == 2 && erased < ERASED {
            let photo = photos.get_mut(number - 1).or_fail("choosing a guest")?;
            erase(port, &bearer, &photo.guest)?;
            photo.erased = true;
            erased += 1;
        }
        progress::pause(Duration::from_millis(700));
    }
    Ok(photos)
}

fn erase(port: u16, bearer: &str, guest: &str) -> Result<(), Failure> {
    let body = json!({ "kind": "guest", "object": guest }).to_string();
    let headers = [("Authorization", bearer), ("Content-Type", "application/json")];
    let mut connection = Connection::open(port).or_fail("connecting")?;
    let answer = connection.post("/api/v1/erasures", &headers, body.as_bytes()).or_fail("erasing a guest")?;
    let erasure: Value = serde_json::from_slice(&answer.body).or_fail("reading an erasure")?;
    match (answer.status, erasure.pointer("/receipt/text")) {
        (201, Some(_)) => Ok(()),
        (status, _) => Err(Failure::new(format!("erasing a guest answers {status}: {erasure}"))),
    }
}

/// What the API says; `None` if it is not there.
fn ask(port: u16, path: &str, bearer: &str) -> Result<Option<Value>, Failure> {
    let answer = http::get(port, path, &[("Authorization", bearer)]).or_fail(format_args!("asking for {path}"))?;
    match answer.status {
        200 => serde_json::from_slice(&answer.body).map(Some).or_fail(format_args!("reading {path}")),
        404 => Ok(None),
        status => Err(Failure::new(format!("{path} answers {status}"))),
    }
}

/// Servers of PostgreSQL for both databases.
struct Servers {
    data: Postgres,
    keys: Postgres,
}

/// The disks of the drill: one that is lost, one that is kept, and the target of the backups.
struct Disks {
    binary: PathBuf,
    root: PathBuf,
}

impl Disks {
    fn kept(&self) -> PathBuf {
        self.root.join("kept")
    }

    fn place(&self, name: &str) -> Result<Place, Failure> {
        let data = self.root.join(name);
        fs::create_dir_all(&data).or_fail("making a folder")?;
        Ok(Place { data, site: self.root.join("no-site"), port: free_port()? })
    }

    /// A command of the server on a disk, with key file, roots and ledger's copy on the one that is kept.
    fn command(&self, place: &Place, kept: &Path, servers: Option<&Servers>) -> Command {
        let mut command = place.command(&self.binary);
        for (name, _) in std::env::vars_os() {
            let ours = name.to_str().is_some_and(|name| name == "DATABASE_URL" || name.starts_with("SHUTTERPOST_"));
            if ours && !["SHUTTERPOST_DATA", "SHUTTERPOST_PORT"].iter().any(|set| name == **set) {
                command.env_remove(name);
            }
        }
        command
            .env("SHUTTERPOST_KEYS", kept.join("keys.json"))
            .env("SHUTTERPOST_ROOTS", kept.join("roots"))
            .env("SHUTTERPOST_LEDGER_COPY", kept.join("ledger"))
            .env_remove("SHUTTERPOST_SITE")
            .current_dir(&self.root);
        if let Some(servers) = servers {
            command.env("DATABASE_URL", servers.data.url()).env("SHUTTERPOST_KEY_STORE", servers.keys.url());
        }
        command
    }

    fn serve(&self, place: &Place, kept: &Path, servers: Option<&Servers>, backup: bool) -> Result<Running, Failure> {
        let mut command = self.command(place, kept, servers);
        if backup {
            command.env("SHUTTERPOST_BACKUP", format!("file:{}", self.root.join("target").display()));
        }
        let log = fs::File::create(place.data.with_extension("log")).or_fail("opening a log")?;
        let errors = log.try_clone().or_fail("opening a log")?;
        Running::start(command.arg("serve").stdout(log).stderr(errors))
    }

    /// Restores a state onto a new disk, serves it, and looks at every photo.
    fn come_back(
        &self,
        name: &str,
        databases: Databases,
        at: &str,
        point: Option<u64>,
        photos: &[Photo],
    ) -> Result<Found, Failure> {
        // A copy: what a state changes there must not meet the next one.
        let (place, kept) = (self.place(name)?, self.root.join(format!("{name}-kept")));
        run_command(command("cp").arg("-a").arg(self.kept()).arg(&kept))?;
        let from = format!("file:{}", self.root.join("target").display());
        let mut restore = self.command(&place, &kept, None);
        restore.args(["restore", "--at", at, "--from", &from]);
        let servers = match databases {
            Databases::Sqlite => {
                capture(&mut restore)?;
                None
            }
            Databases::Postgres => {
                // Which kind is told by the settings; those servers are gone.
                let gone = "postgres://postgres@127.0.0.1:1/postgres";
                restore.env("DATABASE_URL", gone).env("SHUTTERPOST_KEY_STORE", format!("{gone}?"));
                let folders = ["data", "keys"].map(|which| self.root.join(format!("{name}-{which}")));
                let [data, keys] = &folders;
                capture(restore.arg("--data-folder").arg(data).arg("--keys-folder").arg(keys))?;
                let on = |folder: &Path, which: &str| Postgres::on(folder, &format!("{name}-{which}"));
                Some(Servers { data: on(data, "data")?, keys: on(keys, "keys")? })
            }
        };
        let mut server = self.serve(&place, &kept, servers.as_ref(), false)?;
        server.wait_for(place.port, "/readyz", START_LIMIT)?;
        let mut found = Found::default();
        for photo in photos {
            let when = point.map_or(i128::MIN, |point| i128::from(photo.at) - i128::from(point));
            if when.unsigned_abs() < u128::from(BLUR) {
                continue;
            }
            let opens = self.opens(place.port, photo)?;
            match (photo.erased, when > 0, opens) {
                (true, _, false) => found.erased += 1,
                (false, false, true) => found.living += 1,
                (false, true, false) => found.later += 1,
                (true, _, true) => return Err(wrong(photo, at, "was erased, and opens")),
                (false, false, false) => return Err(wrong(photo, at, "lived, and does not open")),
                (false, true, true) => return Err(wrong(photo, at, "came later, and is there")),
            }
        }
        if found.living == 0 {
            return Err(Failure::new(format!("back at {at}, nothing is there")));
        }
        Ok(found)
    }

    /// Whether the page shows and its picture is one.
    fn opens(&self, port: u16, photo: &Photo) -> Result<bool, Failure> {
        let Some(pictures) = booth::pictures(port, &photo.page)? else { return Ok(false) };
        let path = format!("{pictures}web-1.jpg");
        let answer = http::get(port, &path, &[]).or_fail("asking for a picture")?;
        Ok(answer.status == 200 && answer.body.starts_with(&[0xff, 0xd8, 0xff]))
    }
}

fn wrong(photo: &Photo, at: &str, what: &str) -> Failure {
    Failure::new(format!("back at {at}, {} of {} {what}", photo.capture, photo.guest))
}

/// Unix milliseconds, by the clock that the server goes by.
fn now() -> Result<u64, Failure> {
    capture(command("date").arg("+%s%3N"))?.trim().parse().or_fail("asking for the time")
}

/// Unix milliseconds as `restore` reads them.
fn rfc3339(millis: u64) -> Result<String, Failure> {
    let seconds = capture(command("date").args(["-u", "-d", &format!("@{}", millis / 1000), "+%Y-%m-%dT%H:%M:%S"]))?;
    Ok(format!("{}.{:03}Z", seconds.trim(), millis % 1000))
}

/// Random enough to choose moments by.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
