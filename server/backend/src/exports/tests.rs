//! Archives, on both databases: read by other programs, resumed anywhere, and ended where something was deleted.

use std::process::Command;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use shutterpost_model::access::Actor;
use shutterpost_model::captures::Captures as _;
use shutterpost_model::error::Code;
use shutterpost_model::exports::{Archive, Download, ExportState, ExportView, Exports as _, Wanted};
use shutterpost_model::id::CaptureId;
use shutterpost_model::privacy::ErasureTarget;
use shutterpost_model::time::DAY;

use super::{ExportsService, PrepareExport};
use crate::captures::rows as captures_rows;
use crate::ingest::fixture::{ANNA, Stand, stands};
use crate::jobs::queue::{Job, JobKind};
use crate::jobs::worker::Handler as _;
use crate::jobs::{Permit, Wake};

mod people;

fn service(stand: &Stand) -> ExportsService {
    ExportsService::new(stand.deps.clone(), Wake::default(), Arc::new(stand.guests.clone()))
}

fn handler(stand: &Stand) -> PrepareExport {
    PrepareExport::new(stand.deps.clone(), Arc::new(stand.guests.clone()))
}

fn these(captures: &[CaptureId]) -> Wanted {
    Wanted { captures: captures.to_vec(), people: false }
}

async fn prepared(stand: &Stand, view: &ExportView) -> ExportView {
    let handler = handler(stand);
    let job = Job::of_test(JobKind::PrepareExport, view.id.as_str());
    handler.run(&Permit::of_test(), &job).await.expect("is prepared");
    service(stand).find(&stand.owner, &view.id).await.expect("is found")
}

/// Who showed just now who they are.
fn fresh_owner(stand: &Stand) -> Actor {
    stand.owner.clone().confirmed(stand.deps.world.now())
}

async fn made(stand: &Stand, captures: &[CaptureId], key: &str) -> ExportView {
    let view = service(stand).create(&fresh_owner(stand), &stand.event, &these(captures), key).await.expect("is made");
    prepared(stand, &view).await
}

async fn read(archive: &mut dyn Archive) -> Result<Vec<u8>, (Vec<u8>, Code)> {
    let mut bytes = Vec::new();
    loop {
        match archive.next().await {
            Ok(Some(more)) => bytes.extend(more),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err((bytes, error.code)),
        }
    }
}

async fn downloaded(stand: &Stand, view: &ExportView) -> Vec<u8> {
    let Download { length, mut archive, .. } = service(stand).open(&stand.owner, &view.id).await.expect("is ready");
    let bytes = read(&mut *archive).await.expect("to its end");
    assert_eq!((bytes.len() as u64, Some(length)), (length, view.length));
    bytes
}

async fn original(stand: &Stand, capture: &CaptureId) -> Vec<u8> {
    let object = stand.test.select(&format!("SELECT object AS line FROM captures WHERE id = '{capture}'")).await;
    let key = captures_rows::key(&stand.organisation, capture.as_str());
    let key = stand.deps.keystore.get(&key).await.expect("a key");
    stand.deps.storage.get(&object[0], &key).await.expect("is there")
}

/// Unpacks an archive with another program, and checks the list in it with a third.
fn unpacked(stand: &Stand, bytes: &[u8]) -> std::path::PathBuf {
    let folder = stand.test.folder().join(format!("unpacked-{}", bytes.len()));
    std::fs::create_dir_all(&folder).expect("made");
    std::fs::write(folder.join("a.zip"), bytes).expect("is written");
    let python = Command::new("python3").current_dir(&folder).args(["-m", "zipfile", "-e", "a.zip", "."]).output();
    let python = python.expect("the tests need Python");
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    if let Ok(unzip) = Command::new("unzip").current_dir(&folder).args(["-tqq", "a.zip"]).output() {
        assert!(unzip.status.success(), "{}", String::from_utf8_lossy(&unzip.stdout));
    }
    let inside = folder.join("Sommerfest");
    let inside = if inside.exists() { inside } else { only(&folder) };
    let sums = Command::new("sha256sum").current_dir(&inside).args(["-c", "--quiet", "SHA256SUMS.txt"]).output();
    let sums = sums.expect("coreutils");
    assert!(sums.status.success(), "{}", String::from_utf8_lossy(&sums.stdout));
    inside
}

fn only(folder: &std::path::Path) -> std::path::PathBuf {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.into_iter().find(|path| path.is_dir()).expect("one folder")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_has_the_originals_and_is_the_same_from_any_byte_on() {
    for stand in stands().await {
        let mut captures = Vec::new();
        for _ in 0..5 {
            captures.push(stand.capture(Some(ANNA)).await.id);
        }
        // One from before checksums were noted.
        stand.test.execute(&format!("DELETE FROM captures_originals WHERE capture_id = '{}'", captures[2])).await;
        let view = made(&stand, &[], "all").await;
        assert_eq!((view.state, view.captures, view.prepared), (ExportState::Ready, 5, 5), "{}", stand.test.kind);
        assert_eq!(stand.test.count("captures_originals", "1 = 1").await, 5, "noted for the next");
        assert_eq!(stand.test.count("audit_entries", "action = 'captures.export' AND count = 5").await, 1);
        let bytes = downloaded(&stand, &view).await;
        let folder = unpacked(&stand, &bytes);
        let mut found = std::collections::BTreeSet::new();
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            found.insert(Sha256::digest(std::fs::read(entry.expect("an entry").path()).expect("a file")).to_vec());
        }
        assert!(found.len() >= 2, "originals and the list");
        for capture in &captures {
            assert!(found.contains(&Sha256::digest(original(&stand, capture).await).to_vec()), "{capture}");
        }

        // Resumed: in heads, in files, in the list, in the directory, at its end and behind it.
        let Download { mut archive, .. } = service(&stand).open(&stand.owner, &view.id).await.expect("is ready");
        let step = (bytes.len() / 97).max(1);
        let tail = bytes.len().saturating_sub(1500);
        for from in
            (0..bytes.len()).step_by(step).chain((tail..bytes.len()).step_by(13)).chain([bytes.len(), usize::MAX])
        {
            archive.seek(from as u64);
            let rest = read(&mut *archive).await.expect("to its end");
            assert!(rest == bytes[from.min(bytes.len())..], "{}: from {from}", stand.test.kind);
        }
        assert!(downloaded(&stand, &view).await == bytes);

        // What comes later is not in it, and the same request is the same export.
        stand.capture(None).await;
        let again =
            service(&stand).create(&stand.owner, &stand.event, &Wanted::default(), "all").await.expect("is the same");
        assert_eq!(again, view);
        assert!(downloaded(&stand, &view).await == bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_archive_of_a_day_is_told_to_its_maker() {
    for stand in stands().await {
        stand.capture(None).await;
        let user = stand.owner.user().expect("is a person");
        let told = format!("activity = 'exported' AND template = 'activity' AND user_id = '{user}'");
        for (after, key, expected) in [(0, "one", 1), (DAY - 1, "two", 1), (1, "three", 2), (1, "four", 2)] {
            stand.test.clock.advance(after);
            service(&stand).create(&fresh_owner(&stand), &stand.event, &Wanted::default(), key).await.expect("is made");
            assert_eq!(stand.test.count("messages", &told).await, expected, "{}: {key}", stand.test.kind);
        }
        assert_eq!(stand.test.count("messages", "activity = 'exported'").await, 2, "{}: nobody else", stand.test.kind);
        assert_eq!(stand.test.count("audit_entries", "action = 'captures.export'").await, 4, "{}", stand.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_has_what_was_selected_and_nothing_of_others() {
    for stand in stands().await {
        let one = stand.capture(None).await.id;
        let two = stand.capture(None).await.id;
        stand.capture(None).await;
        let view = made(&stand, &[two.clone(), one.clone(), two.clone()], "two").await;
        assert_eq!((view.state, view.captures), (ExportState::Ready, 2), "{}", stand.test.kind);
        unpacked(&stand, &downloaded(&stand, &view).await);
        let stranger = stand.neighbour().await;
        let code =
            |outcome: Result<_, shutterpost_model::error::AppError>| outcome.map(drop).expect_err("refused").code;
        let exports = service(&stand);
        assert_eq!(code(exports.find(&stranger, &view.id).await), Code::NotFound);
        assert_eq!(exports.open(&stranger, &view.id).await.expect_err("refused").code, Code::NotFound);
        assert_eq!(code(exports.create(&stranger, &stand.event, &Wanted::default(), "x").await), Code::NotFound);
        let foreign: CaptureId = stand.deps.world.id(CaptureId::new);
        assert_eq!(
            code(exports.create(&stand.owner, &stand.event, &these(&[one, foreign]), "x").await),
            Code::NotFound
        );
        assert_eq!(stand.test.count("exports", "1 = 1").await, 1, "what is refused leaves nothing");
        stand.test.clock.advance(DAY + 1);
        assert_eq!(code(exports.find(&stand.owner, &view.id).await), Code::NotFound, "it has an end");
        let next = made(&stand, &[two], "two").await;
        assert_eq!((next.state, next.captures), (ExportState::Ready, 1), "{}: its key is free again", stand.test.kind);
        assert_eq!(stand.test.count("exports_entries", "1 = 1").await, 1, "the first went");
        stand.test.clock.advance(DAY + 1);
        crate::privacy::sweep(&Permit::of_test(), &stand.deps).await.expect("sweeps");
        assert_eq!(stand.test.count("exports_entries", "1 = 1").await, 0, "{}", stand.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_ends_the_download_and_nothing_takes_its_place() {
    for stand in stands().await {
        let mut captures = Vec::new();
        for _ in 0..3 {
            captures.push(stand.capture(None).await.id);
        }
        let view = made(&stand, &[], "all").await;
        let bytes = downloaded(&stand, &view).await;
        for erased in [false, true] {
            // Opened before, as a download that is under way.
            let Download { mut archive, .. } = service(&stand).open(&stand.owner, &view.id).await.expect("is ready");
            let first = archive.next().await.expect("is read").expect("some bytes");
            if erased {
                stand.erase(ErasureTarget::Capture(captures[1].clone())).await;
            } else {
                stand.captures.delete(&stand.owner, &stand.event, &captures[1..2]).await.expect("goes to the trash");
            }
            let (rest, code) = read(&mut *archive).await.expect_err("it cannot be sent to its end");
            let sent = [first, rest].concat();
            assert_eq!(code, Code::NotFound);
            assert!(sent.len() < bytes.len() && bytes.starts_with(&sent), "{}: not one foreign byte", stand.test.kind);
            for from in (0..bytes.len()).step_by(bytes.len() / 50) {
                archive.seek(from as u64);
                let (Ok(sent) | Err((sent, _))) = read(&mut *archive).await;
                assert!(bytes[from..].starts_with(&sent), "{}: from {from}", stand.test.kind);
            }
            let found = service(&stand).find(&stand.owner, &view.id).await.expect("is found");
            assert_eq!((found.state, found.length), (ExportState::Broken, None), "{}", stand.test.kind);
            assert_eq!(service(&stand).open(&stand.owner, &view.id).await.expect_err("broken").code, Code::Conflict);
            if !erased {
                stand.captures.restore(&stand.owner, &stand.event, &captures[1..2]).await.expect("comes back");
                assert!(downloaded(&stand, &view).await == bytes, "{}: with what it was", stand.test.kind);
            }
        }
        let next = made(&stand, &[], "again").await;
        assert_eq!((next.state, next.captures), (ExportState::Ready, 2));
        unpacked(&stand, &downloaded(&stand, &next).await);
    }
}

/// More than a page of everything; the bytes of all are those of one, as with seeded captures.
#[tokio::test(flavor = "multi_thread")]
async fn many_captures_are_placed_in_pages_and_preparing_goes_on_where_it_stopped() {
    const MANY: i64 = 1_203;
    for stand in stands().await {
        let capture = stand.capture(None).await.id;
        let columns = "organisation_id, event_id, uploader, media_type, width, height, size, orientation, object, \
                       key_subject, revision, captured_at, received_at, guests";
        let numbers = if stand.test.kind == "sqlite" {
            format!("WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {}) ", MANY - 1)
        } else {
            format!("WITH n AS (SELECT generate_series(1, {}) AS n) ", MANY - 1)
        };
        let zeros =
            if stand.test.kind == "sqlite" { "printf('cap_%032d', n)" } else { "'cap_' || lpad(n::text, 32, '0')" };
        stand
            .test
            .execute(&format!(
                "{numbers}INSERT INTO captures (id, {columns}) SELECT {zeros}, {columns} FROM captures, n WHERE captures.id = '{capture}'"
            ))
            .await;
        let view =
            service(&stand).create(&stand.owner, &stand.event, &Wanted::default(), "many").await.expect("is made");
        assert_eq!((view.state, view.captures, view.length), (ExportState::Preparing, MANY, None));
        assert_eq!(service(&stand).open(&stand.owner, &view.id).await.expect_err("not yet").code, Code::Conflict);
        // A first run that is cut short after some pages.
        let handler = Arc::new(handler(&stand));
        let (running, id) = (Arc::clone(&handler), view.id.clone());
        let run = tokio::spawn(async move {
            let job = Job::of_test(JobKind::PrepareExport, id.as_str());
            running.run(&Permit::of_test(), &job).await.map(drop)
        });
        while service(&stand).find(&stand.owner, &view.id).await.expect("is found").prepared == 0 {
            tokio::task::yield_now().await;
        }
        run.abort();
        drop(run.await);
        let view = prepared(&stand, &view).await;
        assert_eq!((view.state, view.prepared), (ExportState::Ready, MANY), "{}", stand.test.kind);
        let bytes = downloaded(&stand, &view).await;
        let folder = unpacked(&stand, &bytes);
        assert_eq!(std::fs::read_dir(&folder).expect("a folder").count() as i64, MANY + 1, "{}", stand.test.kind);
        let Download { mut archive, .. } = service(&stand).open(&stand.owner, &view.id).await.expect("is ready");
        let from = bytes.len() / 10 * 9;
        archive.seek(from as u64);
        assert!(read(&mut *archive).await.expect("to its end") == bytes[from..]);
        // In the second page of the directory.
        archive.seek(bytes.len() as u64 - 60_000);
        assert!(read(&mut *archive).await.expect("to its end") == bytes[bytes.len() - 60_000..]);
    }
}
