//! An installation that was made once, and starts on as many machines as are asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shutterpost_model::events::Events;
use shutterpost_model::id::EventId;
use shutterpost_vault::faults::{Watch, watch};
use shutterpost_vault::keys::Keys;
use shutterpost_vault::root::passphrase::{Passphrase, PassphraseRoots};
use tempfile::TempDir;

use super::machine::{Call, DATA, KEYS, LEDGER, Machine, OBJECTS, ROOTS};
use super::objects::Objects;
use super::relay;
use super::roots::Unsteady;
use crate::db::{DatabaseUrl, Db};
use crate::ingest::fixture::{Stand, Who, draft};
use crate::keystore::{KeyStore, LedgerPlaces};
use crate::services::Deps;
use crate::storage::Storage;
use crate::testing::{self, TestDatabase};
use crate::upgrade;

/// The files of one capture, opened, by name and encoding; the original has no name.
pub(super) type Plain = BTreeMap<(String, String), Vec<u8>>;

/// What every machine has at first.
pub(super) struct Installation {
    files: Vec<(PathBuf, Vec<u8>)>,
    pub(super) who: Who,
    /// An event that may be erased.
    pub(super) other: EventId,
    /// What every upload of the fixture's picture becomes.
    pub(super) plain: Plain,
}

/// A start of it on a machine.
pub(super) struct Started {
    pub(super) stand: Stand,
    _watch: Watch,
}

impl Installation {
    /// Makes one with a capture, through the doors that people use.
    pub(super) async fn make() -> Self {
        let test = testing::databases().await.into_iter().next().expect("SQLite is always there");
        let stand = Stand::new(test).await;
        let mut installation = Self::of(&stand).await;
        let folder = stand.test.folder();
        for name in [DATA, KEYS] {
            // So that the database is all there is to copy.
            let conn = rusqlite::Connection::open(folder.join(name)).expect("opens");
            let left: i64 = conn
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
                .expect("is emptied into the database");
            assert_eq!(left, 0, "nobody reads");
        }
        for part in [DATA, KEYS, LEDGER, ROOTS, OBJECTS] {
            gather(folder, &folder.join(part), &mut installation.files);
        }
        installation
    }

    /// One that runs already, wherever its databases are.
    async fn of(stand: &Stand) -> Self {
        let other = stand.events.create(&stand.owner, draft()).await.expect("made");
        let capture = stand.capture(None).await.id;
        let plain = plain(stand, capture.as_str()).await.expect("opens");
        Self { files: Vec::new(), who: stand.who(), other, plain }
    }

    /// One on every database, whose calls a machine lets fail.
    pub(super) async fn on_every_database() -> Vec<(Self, Started, Machine)> {
        let mut all = Vec::new();
        for test in testing::databases().await {
            if test.db.is_sqlite() {
                let installation = Self::make().await;
                let machine = installation.on_a_machine();
                let started = installation.start(&machine, 1).await.expect("starts");
                all.push((installation, started, machine));
                continue;
            }
            let stand = Stand::new(test).await;
            let installation = Self::of(&stand).await;
            let machine = Machine::new(tempfile::tempdir().expect("a temporary folder"));
            let Stand { test, .. } = stand;
            let watch = watch_folder(&machine, test.folder());
            let url = relay::to(&test.url, &machine, Call::Data).await;
            let keys_url = relay::to(&test.keys_url, &machine, Call::Keys).await;
            let db = Db::open(&url, 4).await.expect("opens");
            let keystore = keystore(&machine, test.folder(), &keys_url, &test.keys, &test.world).await.expect("opens");
            let storage =
                Storage::behind(&test.folder().join(OBJECTS), |store| Arc::new(Objects::new(machine.clone(), store)));
            let deps = Deps { db, keystore, storage, ..test.deps() };
            let started = Started { stand: Stand::with(test, deps, installation.who.clone()), _watch: watch };
            all.push((installation, started, machine));
        }
        all
    }

    /// A machine with it.
    pub(super) fn on_a_machine(&self) -> Machine {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, bytes) in &self.files {
            let path = folder.path().join(path);
            make_private(path.parent().expect("has one"));
            std::fs::write(&path, bytes).expect("is written");
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("is set");
        }
        Machine::new(folder)
    }

    /// Starts as the program does. Each start needs a seed of its own: none may draw what another drew.
    ///
    /// # Errors
    /// Why it does not start.
    pub(super) async fn start(&self, machine: &Machine, seed: u64) -> Result<Started, String> {
        let watch = watched(machine);
        let [url, keys_url] = [DATA, KEYS].map(|name| DatabaseUrl::Sqlite(machine.path(name)));
        let (clock, world) = testing::seeded(seed);
        let db = Db::open(&url, 4).await.map_err(|error| error.to_string())?;
        let keys = Arc::new(Keys::ephemeral([7; 32]));
        let keystore = keystore(machine, &machine.path(""), &keys_url, &keys, &world).await?;
        let storage = Storage::behind(&machine.path(OBJECTS), |store| Arc::new(Objects::new(machine.clone(), store)));
        let sealed = upgrade::seal(&db, &url, &keystore, &storage, &world).await;
        sealed.map_err(|error| error.to_string())?;
        let folder: Arc<TempDir> = Arc::clone(machine.folder());
        let test = TestDatabase::of(folder, db, keystore, (clock, world), keys);
        let deps = Deps { storage, ..test.deps() };
        Ok(Started { stand: Stand::with(test, deps, self.who.clone()), _watch: watch })
    }
}

/// Lets the machine see what happens to ledger and roots.
pub(super) fn watched(machine: &Machine) -> Watch {
    watch_folder(machine, &machine.path(""))
}

/// The same where they lie elsewhere.
pub(super) fn watch_folder(machine: &Machine, folder: &Path) -> Watch {
    let machine = machine.clone();
    watch(folder, move || Ok(machine.change(Call::Files)?))
}

/// The key store as a start opens it, with roots that fail as the machine says.
///
/// # Errors
/// Why it does not open.
pub(super) async fn keystore(
    machine: &Machine,
    folder: &Path,
    url: &DatabaseUrl,
    keys: &Keys,
    world: &crate::context::World,
) -> Result<KeyStore, String> {
    let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
    let roots = PassphraseRoots::open(&folder.join(ROOTS), Passphrase::MachineMade, &mut random);
    let roots = Unsteady::new(machine.clone(), Arc::new(roots.map_err(|error| error.to_string())?));
    let ledger = LedgerPlaces::new(folder.join(LEDGER), Vec::new(), keys);
    let opened = KeyStore::open(url, 4, Arc::new(roots), ledger, world.clone()).await;
    opened.map_err(|error| error.to_string())
}

/// The files of a capture, opened; an error names the first that does not open.
pub(super) async fn plain(stand: &Stand, capture: &str) -> Result<Plain, String> {
    let sql = format!(
        "SELECT '|' || '|' || object AS line FROM captures WHERE id = '{capture}' UNION ALL \
         SELECT name || '|' || encoding || '|' || object FROM captures_renditions WHERE capture_id = '{capture}'"
    );
    let key = crate::captures::rows::key(&stand.organisation, capture);
    let key = stand.deps.keystore.get(&key).await.map_err(|failure| format!("the key of {capture}: {failure:?}"))?;
    let mut files = Plain::new();
    for line in stand.test.select(&sql).await {
        let [name, encoding, object] = line.split('|').collect::<Vec<_>>().try_into().expect("three parts");
        let bytes = stand.deps.storage.get(object, &key).await;
        let bytes = bytes.map_err(|failure| format!("{name} {encoding} of {capture}: {failure:?}"))?;
        files.insert((name.to_owned(), encoding.to_owned()), bytes);
    }
    Ok(files)
}

fn gather(root: &Path, path: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("lists") {
            gather(root, &entry.expect("an entry").path(), files);
        }
    } else {
        let name = path.strip_prefix(root).expect("below it").to_owned();
        files.push((name, std::fs::read(path).expect("is read")));
    }
}

fn make_private(folder: &Path) {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).expect("is made");
}
