//! What holds of designs, on both databases.

use shutterpost_model::access::{Actor, Role};
use shutterpost_model::captures::{Captures, Encoding, RenditionFile, RenditionName};
use shutterpost_model::designs::{
    ApplyState, Design, DesignFile, Designs, FileKind, Filter, Fit, Format, Line, Logo, NewDesignFile, Overlay, Place,
    PreviewOn, Progress, Weight,
};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::colour::Colour;
use shutterpost_model::events::{Branding, Events, LogoChange};
use shutterpost_model::id::CaptureId;
use shutterpost_model::privacy::ErasureTarget;
use shutterpost_model::share::Shares;

use super::queries;
use crate::db::write_tx;
use crate::events::scope::EventScope;
use crate::ingest::fixture::{LOGO, OBJECTS, PICTURE, Stand, stands, token};
use crate::jobs::Permit;
use crate::jobs::queue::{Job, JobKind};
use crate::jobs::worker::{Handler, Outcome};
use crate::privacy::FinishErasure;

mod late;

const DRAWING: &[u8] =
    br##"<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><path fill="#f00" d="M0 0h5v5H0z"/></svg>"##;
const SCRIPT: &[u8] = br#"<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><script>1</script></svg>"#;

async fn add(stand: &Stand, kind: FileKind, bytes: &[u8]) -> Result<DesignFile, AppError> {
    let file = NewDesignFile { kind, name: " Sign ".into(), bytes: bytes.to_vec() };
    stand.designs.add_file(&stand.owner, &stand.event, file).await
}

fn filtered(filter: Filter) -> Design {
    let mut design = Design::default();
    design.landscape.filter = filter;
    design
}

async fn save(stand: &Stand, design: Design, version: i32) -> i32 {
    stand.designs.save(&stand.owner, &stand.event, design, version).await.expect("saves")
}

async fn slice(stand: &Stand) {
    let job = Job::of_test(JobKind::ApplyDesign, stand.event.as_str());
    let outcome = stand.ingest.redesigner().run(&Permit::of_test(), &job).await.expect("goes on");
    assert_eq!(outcome, Outcome::Settled);
}

async fn progress(stand: &Stand) -> Progress {
    stand.designs.progress(&stand.owner, &stand.event).await.expect("is told")
}

/// Until nothing is left to do.
async fn finish(stand: &Stand) -> Progress {
    for _ in 0..20 {
        slice(stand).await;
        let now = progress(stand).await;
        if now.state == ApplyState::Done {
            return now;
        }
    }
    panic!("does not end: {:?}", progress(stand).await);
}

/// The validator of a picture, which tells its bytes apart.
async fn etag(stand: &Stand, actor: &Actor, capture: &CaptureId, revision: i32) -> Option<String> {
    let file = RenditionFile { name: RenditionName::Web, encoding: Encoding::Jpeg, revision };
    stand.captures.media(actor, capture, file).await.ok().map(|file| file.etag)
}

async fn web(stand: &Stand, capture: &CaptureId) -> String {
    etag(stand, &stand.owner, capture, 1).await.expect("is there")
}

/// With the job that erases its rows.
async fn erase_event(stand: &Stand) {
    let noted = stand.erase(ErasureTarget::Event(stand.event.clone())).await;
    let job = Job::of_test(JobKind::Erase, noted.id.as_str());
    let outcome = FinishErasure::new(stand.deps.clone()).run(&Permit::of_test(), &job).await.expect("erases");
    assert_eq!(outcome, Outcome::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_save_one_is_told() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let viewer = stand.member("vera@host.example", Role::Viewer).await;
        let neighbour = stand.neighbour().await;
        let found = stand.designs.find(&viewer, &stand.event).await.expect("is found");
        assert_eq!((found.version, found.design), (0, Design::default()), "{kind}");
        assert_eq!(save(&stand, filtered(Filter::Warm), 0).await, 1);
        for version in [0, 2] {
            let late = stand.designs.save(&stand.owner, &stand.event, Design::default(), version).await;
            assert_eq!(late.expect_err("is stale").code, Code::Conflict, "{kind}");
        }
        for (who, code) in [(&viewer, Code::Forbidden), (&neighbour, Code::NotFound)] {
            let refused = stand.designs.save(who, &stand.event, Design::default(), 1).await;
            assert_eq!(refused.expect_err("may not").code, code, "{kind}");
            let refused = stand.designs.apply(who, &stand.event).await;
            assert_eq!(refused.expect_err("may not").code, code, "{kind}");
        }
        assert!(stand.designs.find(&neighbour, &stand.event).await.is_err());
        let found = stand.designs.find(&stand.owner, &stand.event).await.expect("is found");
        assert_eq!((found.version, found.design), (1, filtered(Filter::Warm)), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_checked_kept_while_they_are_named_and_go_with_their_event() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let logo = add(&stand, FileKind::Logo, DRAWING).await.expect("is good");
        assert_eq!((&*logo.media_type, &*logo.name), ("image/svg+xml", "Sign"), "{kind}");
        let overlay = add(&stand, FileKind::Overlay, LOGO).await.expect("is good");
        let bad: [(FileKind, &[u8], Code); 4] = [
            (FileKind::Overlay, PICTURE, Code::FileKind),
            (FileKind::Logo, SCRIPT, Code::DrawingScript),
            (FileKind::Logo, b"", Code::FileEmpty),
            (FileKind::Frame, b"words", Code::FileKind),
        ];
        for (of, bytes, code) in bad {
            let error = add(&stand, of, bytes).await.expect_err("is refused");
            assert_eq!(error.of("file"), Some(code), "{kind}");
        }
        assert_eq!(stand.objects().await, 2, "{kind}");
        let neighbour = stand.neighbour().await;
        let foreign = stand.designs.remove_file(&neighbour, &stand.event, &logo.id).await;
        assert_eq!(foreign.expect_err("is not theirs").code, Code::NotFound, "{kind}");

        // For what it was added and for nothing else.
        let mut design = Design::default();
        design.landscape.overlay = Some(Overlay { file: logo.id.clone(), fit: Fit::Cover });
        let wrong = stand.designs.save(&stand.owner, &stand.event, design.clone(), 0).await;
        assert_eq!(wrong.expect_err("is no overlay").of("landscape.overlay.file"), Some(Code::BadChoice), "{kind}");
        design.landscape.overlay = Some(Overlay { file: overlay.id.clone(), fit: Fit::Cover });
        save(&stand, design, 0).await;
        let remove = async |file: &DesignFile| stand.designs.remove_file(&stand.owner, &stand.event, &file.id).await;
        assert_eq!(remove(&overlay).await.expect_err("is named").code, Code::DesignFileUsed, "{kind}");
        // Also by the design that older pictures have, whatever was saved since.
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        save(&stand, Design::default(), 1).await;
        assert_eq!(remove(&overlay).await.expect_err("is applied").code, Code::DesignFileUsed, "{kind}");
        let found = stand.designs.find(&stand.owner, &stand.event).await.expect("is found");
        let used: Vec<_> = found.files.iter().filter(|file| file.used).map(|file| &file.id).collect();
        assert_eq!((found.files.len(), used), (2, vec![&overlay.id]), "{kind}");
        remove(&logo).await.expect("nobody names it");
        assert_eq!(remove(&logo).await.expect_err("is gone").code, Code::NotFound);
        assert_eq!(stand.objects().await, 1, "{kind}");

        erase_event(&stand).await;
        for table in ["events_designs", "events_design_files"] {
            assert_eq!(stand.test.count(table, "1 = 1").await, 0, "{table} on {kind}");
        }
        assert_eq!(stand.objects().await, 0, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_picture_has_the_design_in_the_place_of_the_logo() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let plain = stand.capture(None).await.id;
        let logo = LogoChange::Replace(LOGO.to_vec());
        stand.events.update_branding(&stand.owner, &stand.event, Branding::default(), logo, 1).await.expect("saved");
        let marked = stand.capture(None).await.id;
        save(&stand, filtered(Filter::Vivid), 0).await;
        let designed = stand.capture(None).await.id;
        // One that changes nothing leaves the place to the logo.
        save(&stand, Design::default(), 1).await;
        let again = stand.capture(None).await.id;
        let (plain, marked) = (web(&stand, &plain).await, web(&stand, &marked).await);
        let designed = web(&stand, &designed).await;
        assert!(plain != marked && marked != designed && designed != plain, "{kind}");
        assert_eq!(web(&stand, &again).await, marked, "{kind}");
        assert_eq!(stand.test.count("captures", "mark LIKE 'dsn_%'").await, 1, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn avif_has_the_design_of_the_other_files_or_does_not_come() {
    for stand in stands().await {
        let finish = async |capture: &CaptureId| {
            let job = Job::of_test(JobKind::FinishCapture, capture.as_str());
            stand.ingest.finisher().run(&Permit::of_test(), &job).await.expect("finishes");
            let file = RenditionFile { name: RenditionName::Web, encoding: Encoding::Avif, revision: 1 };
            stand.captures.media(&stand.owner, capture, file).await.ok().map(|file| file.etag)
        };
        let plain = stand.capture(None).await.id;
        save(&stand, filtered(Filter::Cool), 0).await;
        let (known, left) = (stand.capture(None).await.id, stand.capture(None).await.id);
        let (plain, known) = (finish(&plain).await, finish(&known).await);
        assert!(plain.is_some() && known.is_some() && plain != known, "{}", stand.test.kind);
        save(&stand, filtered(Filter::Warm), 1).await;
        assert_eq!(finish(&left).await, None, "{}", stand.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn older_pictures_are_made_anew_once_and_their_pages_show_it() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let first = stand.capture(None).await;
        let second = stand.capture(None).await.id;
        let before = web(&stand, &first.id).await;
        save(&stand, filtered(Filter::BlackAndWhite), 0).await;
        assert_eq!(progress(&stand).await.state, ApplyState::None);
        let begun = stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        let (state, failed) = (ApplyState::Running, 0);
        let expected = Progress { state, done: 0, all: 2, failed, can_undo: true, differs: false };
        assert_eq!(begun, expected, "{kind}");
        let waiting = format!("kind = 'apply_design' AND subject = '{}'", stand.event);
        assert_eq!(stand.test.count("jobs", &waiting).await, 1, "{kind}");
        let (_, newest) = stand.shares.changes(0).await.expect("reads");

        let done = finish(&stand).await;
        assert_eq!((done.done, done.all, done.failed), (2, 2, 0), "{kind}");
        let after = web(&stand, &first.id).await;
        assert!(after != before && after == web(&stand, &second).await, "{kind}");
        assert_eq!(stand.test.count("captures", "revision = 2").await, 2, "{kind}");
        let (changes, _) = stand.shares.changes(newest).await.expect("reads");
        assert_eq!(changes.len(), 2, "{kind}");
        let page = stand.shares.page(token(&first.share_url)).await.expect("no failure").expect("is there").page;
        assert!(page.web.webp.ends_with("web-2.webp"), "{}", page.web.webp);
        // Seven renditions of each are waste by now, which jobs delete.
        assert_eq!(stand.objects().await, 2 * OBJECTS + 2 * (OBJECTS - 1), "{kind}");
        assert_eq!(stand.test.count("jobs", "kind = 'delete_object'").await, 2 * 7, "{kind}");

        let job = Job::of_test(JobKind::FinishCapture, first.id.as_str());
        stand.ingest.finisher().run(&Permit::of_test(), &job).await.expect("finishes");
        let page = stand.shares.page(token(&first.share_url)).await.expect("no failure").expect("is there").page;
        assert!(page.web.avif.is_some_and(|avif| avif.ends_with("web-2.avif")), "{kind}");

        // What has it is left alone, whoever comes again.
        let dump = stand.test.select("SELECT object AS line FROM captures_renditions ORDER BY object").await;
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        finish(&stand).await;
        let again = stand.test.select("SELECT object AS line FROM captures_renditions ORDER BY object").await;
        assert_eq!(again, dump, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_while_it_is_paused_and_goes_back_to_what_was_before() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let old = stand.capture(None).await.id;
        let before = web(&stand, &old).await;
        let nothing = stand.designs.undo(&stand.owner, &stand.event).await;
        assert_eq!(nothing.expect_err("nothing was begun").code, Code::NothingToUndo, "{kind}");
        save(&stand, filtered(Filter::Faded), 0).await;
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        let paused = stand.designs.pause(&stand.owner, &stand.event).await.expect("pauses");
        assert_eq!(paused.state, ApplyState::Paused, "{kind}");
        slice(&stand).await;
        assert_eq!(progress(&stand).await, paused, "{kind}");
        assert_eq!(web(&stand, &old).await, before, "{kind}");
        let resumed = stand.designs.resume(&stand.owner, &stand.event).await.expect("resumes");
        assert_eq!(resumed.state, ApplyState::Running, "{kind}");
        finish(&stand).await;
        let faded = web(&stand, &old).await;
        assert_ne!(faded, before, "{kind}");

        let undoing = stand.designs.undo(&stand.owner, &stand.event).await.expect("goes back");
        assert_eq!((undoing.state, undoing.done, undoing.can_undo), (ApplyState::Undoing, 0, false), "{kind}");
        // One that came in meanwhile has nothing on it already.
        let new = stand.capture(None).await.id;
        finish(&stand).await;
        assert_eq!([web(&stand, &old).await, web(&stand, &new).await], [before.clone(), before], "{kind}");
        let revisions = format!("SELECT CAST(revision AS TEXT) AS line FROM captures WHERE id = '{new}'");
        assert_eq!(stand.test.select(&revisions).await, ["1"], "{kind}");
        let found = stand.designs.find(&stand.owner, &stand.event).await.expect("is found");
        assert_eq!((found.design, found.version), (Design::default(), 2), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_run_writes_nothing_any_more() {
    for stand in stands().await {
        let kept = stand.capture(None).await.id;
        save(&stand, filtered(Filter::Warm), 0).await;
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        save(&stand, filtered(Filter::Cool), 1).await;
        assert!(progress(&stand).await.differs, "{}", stand.test.kind);
        let begun = stand.designs.apply(&stand.owner, &stand.event).await.expect("begins anew");
        assert!(!begun.differs, "{}", stand.test.kind);
        let scope = EventScope::of_sweep(&Permit::of_test(), stand.organisation.clone(), stand.event.clone());
        for (run, counts) in [(1, false), (2, true)] {
            let scope = scope.clone();
            let counted = write_tx!(stand.deps.db, tx => queries::count_changed(tx, &scope, run).await);
            assert_eq!(counted.expect("no failure"), counts, "{}", stand.test.kind);
        }
        finish(&stand).await;
        let cool = stand.capture(None).await.id;
        assert_eq!(web(&stand, &kept).await, web(&stand, &cool).await, "{}", stand.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_make_one_picture_anew_once() {
    for stand in stands().await {
        let kind = stand.test.kind;
        stand.capture(None).await;
        save(&stand, filtered(Filter::Warm), 0).await;
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        let job = Job::of_test(JobKind::ApplyDesign, stand.event.as_str());
        let (one, two) = (stand.ingest.redesigner(), stand.ingest.redesigner());
        let permit = Permit::of_test();
        let (one, two) = tokio::join!(one.run(&permit, &job), two.run(&permit, &job));
        assert!(one.is_ok() && two.is_ok(), "{kind}");
        finish(&stand).await;
        assert_eq!(stand.test.count("captures", "revision = 2").await, 1, "{kind}");
        assert_eq!(stand.test.count("captures_renditions", "1 = 1").await, 7, "{kind}");
        // The other one's files went at once.
        assert_eq!(stand.objects().await, OBJECTS + 7, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_went_meanwhile_stops_nothing() {
    for stand in stands().await {
        let (gone, left) = (stand.capture(None).await.id, stand.capture(None).await.id);
        save(&stand, filtered(Filter::Warm), 0).await;
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        stand.erase(ErasureTarget::Capture(gone)).await;
        let done = finish(&stand).await;
        assert_eq!((done.done, done.all, done.failed), (1, 1, 0), "{}", stand.test.kind);
        assert_eq!(stand.test.count("captures", &format!("id = '{left}' AND revision = 2")).await, 1);
        erase_event(&stand).await;
        let job = Job::of_test(JobKind::ApplyDesign, stand.event.as_str());
        let outcome = stand.ingest.redesigner().run(&Permit::of_test(), &job).await.expect("needs nothing");
        assert_eq!(outcome, Outcome::Done, "{}", stand.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_shown_on_the_sample_and_on_the_own_photo() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let show = async |draft: &Design, on: PreviewOn| {
            stand.designs.preview(&stand.owner, &stand.event, draft, on, Format::Square).await
        };
        let (plain, warm) = (Design::default(), filtered(Filter::Warm));
        let sample = show(&plain, PreviewOn::Newest).await.expect("is drawn");
        assert_eq!(sample.get(..2), Some(&[0xFF, 0xD8][..]), "{kind}");
        assert_eq!(show(&plain, PreviewOn::Sample).await.expect("is drawn"), sample, "{kind}");
        let capture = stand.capture(None).await.id;
        let own = show(&plain, PreviewOn::Newest).await.expect("is shown");
        assert_ne!(own, sample, "{kind}");
        let of_capture = show(&warm, PreviewOn::Capture(capture.clone())).await.expect("is shown");
        assert_ne!(of_capture, own, "{kind}");
        assert_eq!(show(&warm, PreviewOn::Newest).await.expect("is shown"), of_capture, "{kind}");
        assert_eq!(stand.test.count("events_designs", "1 = 1").await, 0, "a draft is not saved");

        let mut wrong = Design::default();
        let line = Line {
            text: "\u{4e2d}".into(),
            colour: Colour::WHITE.into(),
            backing: None,
            weight: Weight::Regular,
            place: Place::Bottom,
            size: 60,
            margin: 40,
        };
        wrong.landscape.line = Some(line);
        let error = show(&wrong, PreviewOn::Sample).await.expect_err("has no letter");
        assert!(error.fields.iter().any(|field| field.code == Code::NoLetter), "{kind}: {error:?}");
        let saved = stand.designs.save(&stand.owner, &stand.event, wrong, 0).await;
        assert_eq!(saved.expect_err("has no letter").of("landscape.line.text"), Some(Code::NoLetter), "{kind}");
        let mut foreign = Design::default();
        let file = shutterpost_model::id::DesignFileId::new(0, [0; 10]);
        foreign.landscape.logo = Some(Logo { file, place: Place::Top, size: 200, margin: 40 });
        let error = show(&foreign, PreviewOn::Sample).await.expect_err("no such file");
        assert_eq!(error.of("landscape.logo.file"), Some(Code::BadChoice), "{kind}");

        // Erased is erased, whatever previews keep.
        stand.erase(ErasureTarget::Capture(capture.clone())).await;
        assert_eq!(show(&warm, PreviewOn::Capture(capture)).await.expect_err("is gone").code, Code::NotFound);
        assert_eq!(show(&plain, PreviewOn::Newest).await.expect("is drawn"), sample, "{kind}");
    }
}
