//! Measures a rotation: how long it takes to wrap every key of a key store anew and to destroy the old root; one JSON line.
//! Arguments: an empty folder, the number of keys (1000000), and the URL of an empty database on PostgreSQL instead of
//! SQLite in the folder. The goal is a million within 60 seconds.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use shutterpost_backend::context::{Clock, Random, World};
use shutterpost_backend::db::DatabaseUrl;
use shutterpost_backend::keystore::{KeyStore, LedgerPlaces, Rotated};
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::{DataKey, KeyId};
use shutterpost_vault::keys::Keys;
use shutterpost_vault::root::passphrase::{Passphrase, PassphraseRoots};
use shutterpost_vault::root::{Roots, wrap_key};
use shutterpost_vault::wrap::{Kek, KeyAbout, Purpose};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Rows in one statement while filling.
const STATEMENT: u64 = 1_000;
/// An organisation that needs no row: its keys are all that a rotation looks at.
const REALM: &str = "org_measured";

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Millis {
        Millis(1_800_000_000_000)
    }
}

/// Bytes good enough for measuring.
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            for (byte, random) in chunk.iter_mut().zip((mixed ^ (mixed >> 31)).to_le_bytes()) {
                *byte = random;
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("say a folder")?;
    let count = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let postgres = arguments.next();
    let kind = if postgres.is_some() { "postgres" } else { "sqlite" };
    let url = match postgres {
        Some(url) => DatabaseUrl::parse(&url)?,
        None => DatabaseUrl::Sqlite(Path::new(&folder).join("keys.sqlite")),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let seconds = runtime.block_on(measure(Path::new(&folder), count, &url))?;
    println!("{{\"name\":\"rewrap-{kind}\",\"unit\":\"s\",\"value\":{seconds:.2},\"keys\":{count}}}");
    Ok(())
}

async fn measure(folder: &Path, count: u64, url: &DatabaseUrl) -> Outcome<f64> {
    let world = World { clock: Arc::new(Standing), random: Arc::new(Counting(AtomicU64::new(1))) };
    let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
    let roots = PassphraseRoots::open(&folder.join("roots"), Passphrase::MachineMade, &mut random)?;
    let roots: Arc<dyn Roots> = Arc::new(roots);
    let ledger = LedgerPlaces::new(folder.join("ledger"), Vec::new(), &Keys::ephemeral([7; 32]));
    let store = KeyStore::open(url, 4, Arc::clone(&roots), ledger, world.clone()).await?;

    let (url, filling) = (url.clone(), world.clone());
    tokio::task::spawn_blocking(move || match url {
        DatabaseUrl::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(path.to_str().ok_or("the path is not UTF-8")?)?;
            fill(&mut conn, ("x'", "'"), count, &*roots, &filling)
        }
        DatabaseUrl::Postgres(url) => {
            let mut conn = AsyncConnectionWrapper::<AsyncPgConnection>::establish(&url)?;
            fill(&mut conn, ("'\\x", "'::bytea"), count, &*roots, &filling)
        }
    })
    .await??;

    let started = Instant::now();
    let Rotated { realms, keys, destroyed } = store.rotate().await.map_err(|failure| format!("{failure:?}"))?;
    let seconds = started.elapsed().as_secs_f64();
    if (realms, u64::try_from(keys)?, destroyed) != (1, count, 1) {
        return Err(format!("{realms} realms, {keys} keys, {destroyed} roots").into());
    }
    Ok(seconds)
}

/// Writes the key of an organisation and `count` keys of captures under it, as the product would. `quotes` are what stands
/// around hexadecimal digits in SQL.
fn fill(
    conn: &mut impl SimpleConnection,
    quotes: (&str, &str),
    count: u64,
    roots: &dyn Roots,
    world: &World,
) -> Outcome<()> {
    const COLUMNS: &str = "INSERT INTO keys \
        (id, realm, purpose, subject, version, algorithm, state, parent, generation, wrapped, created_at) VALUES ";
    let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
    let literal = |bytes: &[u8]| format!("{}{}{}", quotes.0, data_encoding::HEXLOWER.encode(bytes), quotes.1);
    let realm = DataKey::random(KeyId::random(&mut random), 1, &mut random);
    let parent = realm.id().as_text();
    let about = KeyAbout { organisation: REALM, purpose: Purpose::Organisation };
    let wrapped = literal(&wrap_key(roots, 1, &realm, &about, &mut random)?);
    conn.batch_execute(&format!(
        "{COLUMNS}('{parent}', '{REALM}', 'organisation', '{REALM}', 1, 'AES-256-GCM-SIV', 'active', NULL, 1, {wrapped}, 0)"
    ))?;
    let kek = Kek::new(realm);
    let about = KeyAbout { organisation: REALM, purpose: Purpose::Capture };
    let mut written = 0;
    while written < count {
        let rows = STATEMENT.min(count - written);
        let mut sql = String::from(COLUMNS);
        for row in written..written + rows {
            let key = DataKey::random(KeyId::random(&mut random), 1, &mut random);
            let (id, wrapped) = (key.id().as_text(), literal(&kek.wrap(&key, &about, &mut random)));
            let separator = if row == written { "" } else { ", " };
            write!(
                sql,
                "{separator}('{id}', '{REALM}', 'capture', 'cap_{row:022}', 1, 'AES-256-GCM-SIV', 'active', '{parent}', NULL, \
                 {wrapped}, {row})"
            )?;
        }
        conn.batch_execute(&sql)?;
        written += rows;
    }
    Ok(())
}
