//! What is made of a still after its upload was answered.

use std::sync::Arc;

use shutterpost_model::captures::{Asked, Captures, Encoding, RenditionFile, RenditionName};
use shutterpost_model::events::{Branding, Events, LogoChange};
use shutterpost_model::id::CaptureId;
use shutterpost_model::ingest::Ingest;
use shutterpost_model::privacy::ErasureTarget;
use shutterpost_model::share::{ChangeTarget, SharePage, Shares};

use super::super::fixture::{LOGO, OBJECTS, Stand, stands, token, upload};
use super::super::{IngestConfig, IngestService};
use crate::captures::{anew, queries};
use crate::db::write_tx;
use crate::events::scope::EventScope;
use crate::jobs::queue::{Job, JobKind};
use crate::jobs::worker::{Handler, Outcome};
use crate::jobs::{Permit, Wake};
use crate::services::Deps;

/// AVIF of thumb, web and large.
const LATER: usize = 3;
const AVIF: RenditionFile = RenditionFile { name: RenditionName::Web, encoding: Encoding::Avif, revision: 1 };

async fn finish(stand: &Stand, capture: &CaptureId) {
    let job = Job::of_test(JobKind::FinishCapture, capture.as_str());
    let outcome = stand.ingest.finisher().run(&Permit::of_test(), &job).await.expect("finishes");
    assert_eq!(outcome, Outcome::Done);
}

async fn page(stand: &Stand, address: &str) -> SharePage {
    stand.shares.page(token(address)).await.expect("no failure").expect("is there").page
}

#[tokio::test(flavor = "multi_thread")]
async fn avif_comes_later_and_its_page_learns_of_it() {
    for stand in stands().await {
        let accepted = stand.capture(None).await;
        let (id, kind) = (&accepted.id, stand.test.kind);
        let waiting = format!("kind = 'finish_capture' AND subject = '{id}'");
        assert_eq!(stand.test.count("jobs", &waiting).await, 1, "{kind}");
        let before = page(&stand, &accepted.share_url).await;
        assert_eq!([&before.thumb, &before.web, &before.large].map(|picture| picture.avif.is_some()), [false; 3]);
        let (_, newest) = stand.shares.changes(0).await.expect("reads");

        finish(&stand, id).await;
        let after = page(&stand, &accepted.share_url).await;
        assert_eq!([&after.thumb, &after.web, &after.large].map(|picture| picture.avif.is_some()), [true; 3], "{kind}");
        assert_eq!((&after.web.webp, after.web.width), (&before.web.webp, before.web.width));
        let (changes, newest_now) = stand.shares.changes(newest).await.expect("reads");
        assert_eq!((newest_now, changes.len()), (newest + 1, 1), "{kind}");
        assert_eq!(changes[0].target, ChangeTarget::Capture(id.clone()));
        let file = stand.captures.media(&stand.owner, id, AVIF).await.expect("is there");
        let bytes = file.content.read(Asked::All).await.expect("reads").bytes;
        assert_eq!((file.media_type, &bytes[4..12]), ("image/avif", &b"ftypavif"[..]));
        assert_eq!(stand.objects().await, OBJECTS + LATER);

        // Once more changes nothing: a job may be done twice.
        let dump = stand.test.dump().await;
        finish(&stand, id).await;
        assert_eq!((stand.test.dump().await == dump, stand.objects().await), (true, OBJECTS + LATER), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_that_finish_one_capture_add_it_once() {
    for stand in stands().await {
        let accepted = stand.capture(None).await;
        let config = IngestConfig { threads: Some(1), ..IngestConfig::default() };
        let other = IngestService::start(stand.deps.clone(), config, Wake::default()).expect("a thread");
        let job = Job::of_test(JobKind::FinishCapture, accepted.id.as_str());
        let (one, two) = (stand.ingest.finisher(), other.finisher());
        let permit = Permit::of_test();
        let (one, two) = tokio::join!(one.run(&permit, &job), two.run(&permit, &job));
        assert_eq!((one.expect("finishes"), two.expect("finishes")), (Outcome::Done, Outcome::Done));
        assert_eq!(stand.objects().await, OBJECTS + LATER, "{}", stand.test.kind);
        let capture = stand.captures.find(&stand.owner, &accepted.id).await.expect("is found");
        assert_eq!(capture.renditions.len(), 7 + LATER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_went_meanwhile_leaves_nothing_and_one_in_the_trash_is_finished() {
    for stand in stands().await {
        let (erased, trashed) = (stand.capture(None).await, stand.capture(None).await);
        stand.erase(ErasureTarget::Capture(erased.id.clone())).await;
        let one = [trashed.id.clone()];
        stand.captures.delete(&stand.owner, &stand.event, &one).await.expect("deletes");
        finish(&stand, &erased.id).await;
        assert_eq!(stand.objects().await, OBJECTS, "{}", stand.test.kind);
        finish(&stand, &trashed.id).await;
        stand.captures.restore(&stand.owner, &stand.event, &one).await.expect("restores");
        assert!(page(&stand, &trashed.share_url).await.large.avif.is_some(), "{}", stand.test.kind);
        stand.erase(ErasureTarget::Capture(trashed.id)).await;
        assert_eq!(stand.objects().await, 0, "{}", stand.test.kind);
    }
}

/// Between storing and writing: the capture goes, or its files were made anew.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_added_to_the_capture_as_it_was() {
    for stand in stands().await {
        let accepted = stand.capture(None).await;
        let mut conn = stand.deps.db.read().await.expect("a connection");
        let permit = Permit::of_test();
        let scope = EventScope::of_sweep(&permit, stand.organisation.clone(), stand.event.clone());
        let mut rows = queries::renditions(&mut conn, &scope, &accepted.id).await.expect("reads");
        drop(conn);
        rows.truncate(1);
        rows[0].encoding = Encoding::Avif.extension().to_owned();
        let gone = CaptureId::new(1, [1; 10]);
        for (capture, revision, added) in
            [(&accepted.id, 2, false), (&gone, 1, false), (&accepted.id, 1, true), (&accepted.id, 1, false)]
        {
            let (scope, rows, capture) = (scope.clone(), rows.clone(), capture.clone());
            let done = write_tx!(stand.deps.db, tx => {
                let added = anew::Added { renditions: &rows, duration: None, unplayable: false };
                anew::add_renditions(tx, &scope, (capture.as_str(), revision), added).await
            });
            assert_eq!(done.expect("no failure"), added, "{} {revision}", stand.test.kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_the_capture_as_it_was() {
    for stand in stands().await {
        let accepted = stand.capture(None).await;
        let before = stand.test.dump().await;
        for puts in 0..LATER {
            let storage = stand.deps.storage.full_after(i64::try_from(puts).expect("small"));
            let deps = Deps { storage, ..stand.deps.clone() };
            let config = IngestConfig { threads: Some(1), ..IngestConfig::default() };
            let ingest = IngestService::start(deps, config, Wake::default()).expect("a thread");
            let job = Job::of_test(JobKind::FinishCapture, accepted.id.as_str());
            ingest.finisher().run(&Permit::of_test(), &job).await.expect_err("is full");
            assert_eq!(stand.objects().await, OBJECTS, "after {puts} objects on {}", stand.test.kind);
        }
        assert!(stand.test.dump().await == before);
        finish(&stand, &accepted.id).await;
        assert_eq!(stand.objects().await, OBJECTS + LATER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn avif_has_the_logo_of_the_other_files_or_does_not_come() {
    for stand in stands().await {
        let etag = async |capture: &CaptureId| {
            finish(&stand, capture).await;
            stand.captures.media(&stand.owner, capture, AVIF).await.ok().map(|file| file.etag)
        };
        let plain = stand.capture(None).await.id;
        let logo = || LogoChange::Replace(LOGO.to_vec());
        let saved = stand.events.update_branding(&stand.owner, &stand.event, Branding::default(), logo(), 1).await;
        saved.expect("saved");
        let (marked, left) = (stand.capture(None).await.id, stand.capture(None).await.id);
        // The one taken in before the logo stays without it.
        let (plain, marked) = (etag(&plain).await, etag(&marked).await);
        assert!(plain.is_some() && marked.is_some() && plain != marked, "{}", stand.test.kind);
        let saved = stand.events.update_branding(&stand.owner, &stand.event, Branding::default(), logo(), 2).await;
        saved.expect("saved");
        assert_eq!(etag(&left).await, None, "{}", stand.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blurred_idea_of_the_picture_is_sealed_with_it() {
    for stand in stands().await {
        let accepted = stand.capture(None).await;
        let placeholder = page(&stand, &accepted.share_url).await.placeholder.expect("has one");
        assert!(placeholder.starts_with("data:image/png;base64,iVBOR"), "{placeholder}");
        assert!(placeholder.len() < 1200, "{} bytes", placeholder.len());
        let preview = stand.shares.preview(&stand.owner, &stand.event).await.expect("shows");
        assert_eq!(preview.placeholder, Some(placeholder), "{}", stand.test.kind);
        // In another's row it does not open: it is bound to its own.
        let other = stand.capture(None).await;
        let swap = format!(
            "UPDATE captures SET look = (SELECT look FROM captures WHERE id = '{}') WHERE id = '{}'",
            accepted.id, other.id
        );
        stand.test.execute(&swap).await;
        stand.shares.page(token(&other.share_url)).await.expect_err("does not open");
        // Captures of older versions have none.
        stand.test.execute("UPDATE captures SET look = NULL").await;
        assert_eq!(page(&stand, &accepted.share_url).await.placeholder, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_passes_what_may_wait() {
    for stand in stands().await {
        let accepted = stand.capture(None).await;
        let finisher = Arc::new(stand.ingest.finisher());
        let job = Job::of_test(JobKind::FinishCapture, accepted.id.as_str());
        let later = tokio::spawn(async move { finisher.run(&Permit::of_test(), &job).await });
        stand.ingest.accept(&stand.device, &stand.event, upload()).await.expect("is accepted");
        later.await.expect("no panic").expect("finishes");
        assert_eq!(stand.objects().await, 2 * OBJECTS + LATER, "{}", stand.test.kind);
    }
}
