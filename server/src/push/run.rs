//! The loop: look, upload, write down, and wait longer the longer the server is away.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shutterpost_backend::context::World;
use shutterpost_model::pii::Secret;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::client::{Address, Client};
use super::folder::{self, Seen, Watch};
use super::journal::{Journal, Known, Line};
use super::status::{RefusedFile, Status};
use super::upload::{LARGE, Outcome, Parcel, SMALL, guest_seen, hash, sidecar};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// The longest wait between two attempts, and for a token that is not accepted.
const LONGEST: Duration = Duration::from_secs(60);
/// With `--once`: attempts in a row that failed before it gives up.
const GIVE_UP: u32 = 12;

/// What somebody at a booth decides.
#[derive(Debug)]
pub struct Options {
    pub folder: PathBuf,
    pub server: Address,
    pub event: Option<String>,
    /// Read anew for each file, so that a token can be replaced while this runs.
    pub token: Token,
    pub state: PathBuf,
    pub done: Option<PathBuf>,
    pub status: Option<PathBuf>,
    pub quiet: Duration,
    pub parallel: usize,
    /// Ends when everything that lies there is uploaded or refused.
    pub once: bool,
}

/// Where the token is.
#[derive(Debug)]
pub enum Token {
    File(PathBuf),
    Given(Secret),
}

impl Token {
    fn read(&self) -> io::Result<Secret> {
        match self {
            Self::File(path) => Ok(Secret::new(std::fs::read_to_string(path)?.trim().to_owned())),
            Self::Given(token) => Ok(token.clone()),
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything is uploaded, or it was told to stop.
    Well,
    /// Some files are refused.
    Refused,
    /// The server does not accept the token.
    Barred,
    /// The server was away for too long.
    Away,
}

/// A wait after failures in a row: doubled each time, and somewhere in the upper half of it, so that a hall of booths does
/// not come back in one moment.
fn back_off(world: &World, failures: u32) -> Duration {
    let most = Duration::from_millis(250).saturating_mul(2_u32.saturating_pow(failures.min(10))).min(LONGEST);
    let [random] = world.bytes::<1>();
    most / 2 + most.mul_f64(f64::from(random) / 512.0)
}

struct Push {
    options: Options,
    world: World,
    client: Client,
    journal: Arc<Mutex<Journal>>,
    watch: Watch,
    started: Instant,
    tasks: JoinSet<(Line, Outcome)>,
    running: HashSet<String>,
    /// Hashes of files by what they looked like, so that each is read once.
    hashes: HashMap<String, (Seen, String)>,
    /// Bytes of one request, as the network has them.
    slice: usize,
    failures: u32,
    not_before: Instant,
    /// Files that failed while others did not: how often in a row, and until when each waits.
    waits: HashMap<String, (u32, Instant)>,
    barred: bool,
    /// Why nothing goes on, if nothing does.
    failing: Option<String>,
    told: Option<Status>,
}

/// Runs until `stop`, or with `once` until nothing is left to do.
///
/// # Errors
/// What cannot mend itself: the folder, the journal or the token's file cannot be used.
pub async fn run(
    options: Options,
    world: World,
    stop: impl Future<Output = ()>,
) -> Result<Ended, Box<dyn std::error::Error + Send + Sync>> {
    let named = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    folder::look(&options.folder).map_err(|error| named(&options.folder, error))?;
    if let Some(done) = &options.done {
        std::fs::create_dir_all(done).map_err(|error| named(done, error))?;
    }
    let token = options.token.read().map_err(|error| format!("the token: {error}"))?;
    if token.expose().is_empty() {
        return Err("the token is empty".into());
    }
    let journal = Journal::open(&options.state)?;
    let client = Client::new(options.server.clone())?;
    let now = Instant::now();
    let mut push = Push {
        options,
        world,
        client,
        journal: Arc::new(Mutex::new(journal)),
        watch: Watch::default(),
        started: now,
        tasks: JoinSet::new(),
        running: HashSet::new(),
        hashes: HashMap::new(),
        slice: LARGE,
        failures: 0,
        not_before: now,
        waits: HashMap::new(),
        barred: false,
        failing: None,
        told: None,
    };
    tokio::pin!(stop);
    loop {
        if let Some(ended) = push.round().await? {
            return Ok(ended);
        }
        tokio::select! {
            () = &mut stop => return Ok(Ended::Well),
            Some(ended) = push.tasks.join_next() => {
                let (begun, outcome) = ended?;
                push.settle(begun, outcome)?;
            }
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

impl Push {
    /// Looks once and starts what can be started; says how it ended if it has.
    async fn round(&mut self) -> Result<Option<Ended>, Box<dyn std::error::Error + Send + Sync>> {
        // A folder on a network may be away for a while.
        let seen = match folder::look(&self.options.folder) {
            Ok(seen) => seen,
            Err(error) => {
                let failing = Some(format!("{}: {error}", self.options.folder.display()));
                self.tell(Status { failing, ..self.told.clone().unwrap_or_default() })?;
                return Ok(None);
            }
        };
        let all = seen.len();
        let names: HashSet<String> = seen.iter().map(|file| file.name.clone()).collect();
        self.hashes.retain(|name, _| names.contains(name));
        self.waits.retain(|name, _| names.contains(name));
        let whole = self.watch.whole(seen, self.started.elapsed(), self.options.quiet);
        let mut settled = 0;
        let may_start = Instant::now() >= self.not_before;
        for file in whole {
            if self.running.contains(&file.name) {
                continue;
            }
            match self.known(&file).await? {
                Some(Known::Done { .. }) => {
                    settled += 1;
                    if let Err(error) = self.put_away(&file.name) {
                        self.failing = Some(format!("{} cannot be moved away: {error}", file.name));
                    }
                }
                Some(Known::Refused { .. }) => settled += 1,
                // Others are not kept waiting by a file that fails again and again.
                _ if self.waits.get(&file.name).is_some_and(|(_, until)| Instant::now() < *until) => {}
                _ if may_start && self.running.len() < self.options.parallel => self.start(file),
                _ => {}
            }
        }
        let waiting = all.saturating_sub(settled).saturating_sub(self.running.len());
        let (done, refused) = self.counts();
        let nothing_left = waiting == 0 && self.running.is_empty();
        let well = refused.is_empty();
        let failing = self.failing.clone();
        self.tell(Status { waiting, uploading: self.running.len(), done, refused, failing })?;
        if !self.options.once {
            return Ok(None);
        }
        Ok(match (nothing_left, self.running.is_empty()) {
            (true, _) if well => Some(Ended::Well),
            (true, _) => Some(Ended::Refused),
            (_, true) if self.barred => Some(Ended::Barred),
            (_, true) if self.failures >= GIVE_UP => Some(Ended::Away),
            _ => None,
        })
    }

    fn journal(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> (usize, Vec<RefusedFile>) {
        let journal = self.journal();
        let mut done = 0;
        let mut refused = Vec::new();
        for line in journal.lines() {
            match &line.known {
                Known::Done { .. } => done += 1,
                Known::Refused { code, detail } => {
                    refused.push(RefusedFile { name: line.name.clone(), code: code.clone(), detail: detail.clone() });
                }
                Known::Open { .. } => {}
            }
        }
        (done, refused)
    }

    /// What is known of these very bytes under this name.
    async fn known(&mut self, file: &Seen) -> io::Result<Option<Known>> {
        let line = self.journal().of(&file.name).cloned();
        let same = |line: &Line| line.size == file.size && line.changed_at == file.changed_at;
        // With another guest it is another request, which may not be refused.
        let path = self.options.folder.join(&file.name);
        let stale = |line: &Line| matches!(line.known, Known::Refused { .. }) && line.guest != guest_seen(&path);
        let line = line.filter(|line| !stale(line));
        if let Some(line) = line.as_ref().filter(|line| same(line)) {
            self.hashes.insert(file.name.clone(), (file.clone(), line.sha256.clone()));
            return Ok(Some(line.known.clone()));
        }
        let hashed = self.hashes.get(&file.name).filter(|(seen, _)| seen == file).map(|(_, hash)| hash.clone());
        let sha256 = match hashed {
            Some(sha256) => sha256,
            None => {
                let hashed = tokio::task::spawn_blocking(move || hash(&path)).await.map_err(io::Error::other)?;
                // Gone, or not to be read yet: it is looked at again.
                let Ok(sha256) = hashed else { return Ok(None) };
                self.hashes.insert(file.name.clone(), (file.clone(), sha256.clone()));
                sha256
            }
        };
        // The same bytes written once more are the same photo.
        let same = line.filter(|line| line.sha256 == sha256 && line.size == file.size);
        Ok(same.map(|line| line.known))
    }

    fn start(&mut self, file: Seen) {
        let Some(sha256) = self.hashes.get(&file.name).map(|(_, hash)| hash.clone()) else { return };
        let known = self.journal().of(&file.name).filter(|line| line.sha256 == sha256).map(|line| line.known.clone());
        let upload = match known {
            Some(Known::Open { upload }) => Some(upload),
            _ => None,
        };
        let path = self.options.folder.join(&file.name);
        // It may be replaced at this moment.
        let token = match self.options.token.read() {
            Ok(token) => token,
            Err(error) => {
                self.fail(format!("the token: {error}"), true);
                return;
            }
        };
        let event = self.options.event.clone();
        let parcel = Parcel {
            path,
            seen: file.clone(),
            sha256: sha256.clone(),
            upload,
            event,
            token,
            slice: self.slice,
            moved: false,
        };
        let (client, journal) = (self.client.clone(), Arc::clone(&self.journal));
        let guest = guest_seen(&self.options.folder.join(&file.name));
        self.running.insert(file.name.clone());
        self.tasks.spawn(async move {
            let at = |known: Known| line(&file, &sha256, guest, known);
            let begun = |upload: &str| {
                let noted = journal
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .note(at(Known::Open { upload: upload.to_owned() }));
                if let Err(error) = noted {
                    // Begun anew after a restart, under the same key.
                    tracing::warn!(error.cause = %error, "the address of an upload was not written down");
                }
            };
            let outcome = parcel.upload(&client, begun).await;
            (at(Known::Open { upload: String::new() }), outcome)
        });
    }

    /// Writes down what became of a file.
    fn settle(&mut self, begun: Line, outcome: Outcome) -> io::Result<()> {
        self.running.remove(&begun.name);
        let known = match outcome {
            Outcome::Done { capture } => Known::Done { capture },
            Outcome::Refused { code, detail } => Known::Refused { code, detail },
            Outcome::Again { why, moved } => {
                // Something gets through: smaller requests, not longer waits.
                self.slice = (self.slice / 2).max(SMALL);
                self.failures = if moved { 0 } else { self.failures };
                let (failures, _) = self.waits.get(&begun.name).copied().unwrap_or((0, self.started));
                let until = Instant::now() + back_off(&self.world, failures.saturating_add(4));
                self.waits.insert(begun.name, (failures.saturating_add(1), until));
                self.fail(why, false);
                return Ok(());
            }
            Outcome::Barred { why } => {
                self.fail(why, true);
                return Ok(());
            }
            Outcome::Changed => {
                self.hashes.remove(&begun.name);
                return Ok(());
            }
        };
        self.waits.remove(&begun.name);
        self.failures = 0;
        self.slice = self.slice.saturating_mul(2).min(LARGE);
        self.barred = false;
        self.not_before = Instant::now();
        self.failing = None;
        self.journal().note(Line { known, ..begun })
    }

    /// Waits before the next attempt, with all files: what failed was not the file.
    fn fail(&mut self, why: String, barred: bool) {
        self.failures = self.failures.saturating_add(1);
        self.barred = barred;
        self.not_before = Instant::now() + if barred { LONGEST } else { back_off(&self.world, self.failures) };
        self.failing = Some(why);
    }

    /// Moves a file that is done away, with its guest.
    fn put_away(&self, name: &str) -> io::Result<()> {
        let Some(done) = &self.options.done else { return Ok(()) };
        let path = self.options.folder.join(name);
        for from in [sidecar(&path), path] {
            if from.exists() {
                let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
                rename(&from, &free(done, &name))?;
            }
        }
        Ok(())
    }

    fn tell(&mut self, status: Status) -> io::Result<()> {
        if self.told.as_ref() != Some(&status) {
            status.tell(self.options.status.as_deref())?;
            self.told = Some(status);
        }
        Ok(())
    }
}

fn line(file: &Seen, sha256: &str, guest: Option<(u64, i64)>, known: Known) -> Line {
    let Seen { changed_at, name, size } = file.clone();
    Line { name, size, changed_at, sha256: sha256.to_owned(), guest, known }
}

/// A name in the folder that nothing has.
fn free(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(name);
    let numbered = (2..).map(|number| folder.join(format!("{number}-{name}")));
    std::iter::once(plain.clone()).chain(numbered).find(|path| !path.exists()).unwrap_or(plain)
}

/// Also onto another disk.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            std::fs::copy(from, to)?;
            std::fs::File::open(to)?.sync_all()?;
            std::fs::remove_file(from)
        }
        other => other,
    }
}
