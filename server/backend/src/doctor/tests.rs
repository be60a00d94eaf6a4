//! A healthy installation, and each way to be ill.

use shutterpost_model::captures::Captures as _;

use shutterpost_vault::ledger::file::LedgerFile;

use super::finding::OBJECTS_FLAWED;
use super::*;
use crate::ingest::fixture::{ANNA, Stand, stands};

fn patient(stand: &Stand) -> Patient {
    let folder = stand.test.folder();
    Patient {
        origin: stand.deps.origin.clone(),
        data: folder.to_owned(),
        database: stand.test.url.clone(),
        key_store: stand.test.keys_url.clone(),
        storage: format!("file:{}", folder.join("objects").display()),
        keys: folder.join("keys.json"),
        roots: Address::Folder(stand.test.roots()),
        passphrase_file: None,
        opened: None,
        ledger: folder.join("signed"),
        ledger_copy: None,
        backup: None,
        programs: Programs::default(),
    }
}

async fn examined(stand: &Stand, patient: &Patient) -> Vec<Finding> {
    examine(patient, Depth::Whole, &stand.deps.world).await
}

/// What failed, by check.
fn failures(findings: &[Finding]) -> Vec<&'static str> {
    let failed = findings.iter().filter(|finding| finding.state == State::Failure);
    failed.map(|finding| finding.check).collect()
}

/// Makes the key file, and a ledger that its key signs.
fn with_keys(stand: &Stand) {
    let mut random = |bytes: &mut [u8]| stand.test.world.random.fill(bytes);
    let keys = Keys::open_or_create(&stand.test.folder().join("keys.json"), &mut random).expect("made");
    let signer = keys.signing_key(Signing::Ledger);
    LedgerFile::open(&stand.test.folder().join("signed"), &[], signer, false, &mut random).expect("begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_installation_has_no_failure() {
    for stand in stands().await {
        with_keys(&stand);
        stand.capture(Some(ANNA)).await;
        let findings = examined(&stand, &patient(&stand)).await;
        assert!(failures(&findings).is_empty(), "{}: {findings:?}", stand.test.kind);
        assert!(findings.iter().all(|finding| finding.remedy.is_some() == (finding.state != State::Good)));
        assert!(findings.iter().any(|finding| finding.check == "disk" && finding.state == State::Warning));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_illness_is_named() {
    for stand in stands().await {
        let well = patient(&stand);
        let folder = stand.test.folder();
        let ill = |change: &dyn Fn(&mut Patient)| {
            let mut patient = well.clone();
            change(&mut patient);
            patient
        };
        let cases: [(&str, Patient); 8] = [
            ("storage", ill(&|patient| patient.storage = "s3://nobody".into())),
            ("storage", ill(&|patient| patient.storage = "s3://x?region=x&endpoint=http://127.0.0.1:1".into())),
            ("address", ill(&|patient| patient.origin = "http://photos.example".into())),
            ("key file", ill(&|_| {})),
            ("database", ill(&|patient| patient.database = DatabaseUrl::Sqlite(folder.join("none.sqlite")))),
            ("key store", ill(&|patient| patient.key_store = DatabaseUrl::Sqlite(folder.join("none.sqlite")))),
            ("key store", ill(&|patient| patient.roots = Address::Folder(folder.join("none")))),
            ("backup", ill(&|patient| patient.backup = Some("ftp://nowhere".into()))),
        ];
        for (check, patient) in cases {
            let findings = examined(&stand, &patient).await;
            assert!(failures(&findings).contains(&check), "{check} on {}: {findings:?}", stand.test.kind);
        }
        assert!(!folder.join("none").exists() && !folder.join("none.sqlite").exists(), "nothing was made");

        with_keys(&stand);
        assert!(failures(&examined(&stand, &well).await).is_empty());
        std::fs::remove_file(folder.join("signed").join(LEDGER_FILE)).expect("was there");
        assert!(failures(&examined(&stand, &well).await).contains(&"ledger"));
        stand.test.clock.advance(-3_600_000);
        assert!(failures(&examined(&stand, &well).await).contains(&"clock"), "{}", stand.test.kind);
        stand.wait_days(8);
        assert!(failures(&examined(&stand, &well).await).contains(&"key store"), "roots were not renewed");
        stand.captures.list(&stand.owner, &stand.event, Default::default(), None, 1).await.expect("goes on meanwhile");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_object_is_named_until_it_is_back() {
    for stand in stands().await {
        with_keys(&stand);
        stand.capture(Some(ANNA)).await;
        let said = async || {
            let findings = examined(&stand, &patient(&stand)).await;
            findings.into_iter().find(|finding| finding.check == "stored objects").expect("is looked at")
        };
        assert_eq!(said().await.state, State::Good, "nothing is known yet");
        let objects = stand.deps.storage.names().await;
        let path = stand.test.folder().join("objects").join(&objects[0]);
        let aside = stand.test.folder().join("aside");
        std::fs::rename(&path, &aside).expect("is there");
        let scrubbed = crate::privacy::scrub_all(&stand.deps, &mut |_| {}).await.expect("looks");
        assert_eq!(scrubbed.flawed.len(), 1, "{}", stand.test.kind);
        let Finding { state, text, remedy, figures, .. } = said().await;
        assert_eq!(state, State::Failure);
        assert!(text.contains(&objects[0]) && text.contains("missing") && remedy.is_some(), "{text}");
        assert!(figures.iter().any(|figure| figure.name == OBJECTS_FLAWED && figure.value > 0.5), "{figures:?}");
        std::fs::rename(&aside, &path).expect("is put back");
        crate::privacy::scrub::run(crate::jobs::Permit::of_test(), stand.deps.clone()).await.expect("looks again");
        assert_eq!(said().await.state, State::Good, "{}", stand.test.kind);
        stand.wait_days(40);
        assert_eq!(said().await.state, State::Warning, "nobody looked for long");
    }
}

#[test]
fn a_target_in_the_bucket_of_the_objects_is_seen() {
    let one = "s3://photos/media?region=eu-central-1";
    assert!(s3::same_bucket(one, "s3://photos/backups?region=eu-central-1"));
    assert!(!s3::same_bucket(one, "s3://copies/media?region=eu-central-1"));
    assert!(!s3::same_bucket("s3://photos?region=x&endpoint=https://s3.example", one));
    assert!(!s3::same_bucket("file:photos", "file:photos"));
}

#[test]
fn backups_that_lag_or_were_never_checked_are_failures() {
    let now = Millis(1_800_000_000_000);
    let base =
        |verified_at| crate::backup::BaseStatus { name: "data/x".into(), time: now, bytes: 1, root: None, verified_at };
    let status = |behind: i64, verified: Option<i64>| DatabaseStatus {
        shipped_until: Some(now.plus(-behind)),
        base: Some(base(verified.map(|ago| now.plus(-ago)))),
        ..DatabaseStatus::default()
    };
    let failed = |status: &DatabaseStatus| failures(&backup_of(Database::Data, status, now)).len();
    assert_eq!(failed(&status(1_000, Some(3_600_000))), 0);
    assert_eq!(failed(&status(60_000, Some(3_600_000))), 1);
    assert_eq!(failed(&status(1_000, Some(2 * DAY))), 1);
    assert_eq!(failed(&status(1_000, None)), 1);
    assert_eq!(failed(&DatabaseStatus::default()), 2);
    let broken = DatabaseStatus { problem: Some("full".into()), ..status(1_000, Some(1)) };
    assert_eq!(failed(&broken), 1);
}
