//! Animations and films.

use shutterpost_media::video::exercise::{self, Way};
use shutterpost_model::captures::{
    Asked, Capture, CaptureKind, Captures, Encoding, MediaFile, RenditionFile, RenditionName,
};
use shutterpost_model::designs::{ApplyState, Design, Designs, Filter};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::{Branding, Events, LogoChange};
use shutterpost_model::id::CaptureId;
use shutterpost_model::ingest::{Accepted, Ingest, Upload};
use shutterpost_model::privacy::ErasureTarget;
use shutterpost_model::share::{SharePage, Shares};

use super::super::fixture::{LOGO, OBJECTS, Stand, stands, token, upload};
use super::super::{Converter, IngestConfig, IngestService};
use super::code;
use crate::captures;
use crate::jobs::queue::{Job, JobKind};
use crate::jobs::worker::{Handler, Outcome};
use crate::jobs::{Permit, Wake};
use crate::privacy::scrub_all;

/// Two pictures in half a second, and a comment.
const GIF: &[u8] = include_bytes!("../fixture/moving.gif");
const WEBP: &[u8] = include_bytes!("../fixture/moving.webp");
const APNG: &[u8] = include_bytes!("../fixture/moving.png");
/// H.264 with sound, a title and a place, its index last.
const FILM: &[u8] = include_bytes!("../fixture/film.mp4");
/// HEVC, which few browsers play.
const FOREIGN: &[u8] = include_bytes!("../fixture/foreign.mp4");
/// VP8 with sound, titles of both, and no lengths, as browsers record.
const RECORDED: &[u8] = include_bytes!("../fixture/recorded.webm");

fn file(bytes: &[u8]) -> Upload {
    Upload { bytes: bytes.to_vec(), declared: None, ..upload() }
}

async fn accepted(stand: &Stand, bytes: &[u8]) -> Accepted {
    stand.accept(file(bytes)).await.expect("is accepted")
}

async fn page(stand: &Stand, address: &str) -> SharePage {
    stand.shares.page(token(address)).await.expect("no failure").expect("is there").page
}

async fn capture(stand: &Stand, id: &CaptureId) -> Capture {
    stand.captures.find(&stand.owner, id).await.expect("is found")
}

fn film(encoding: Encoding) -> RenditionFile {
    RenditionFile { name: RenditionName::Film, encoding, revision: 1 }
}

/// What a guest fetches at a path under `/m/`.
async fn fetched(stand: &Stand, path: &str) -> MediaFile {
    let (token, name) = path.trim_start_matches("/m/").split_once('/').expect("has both");
    let name = RenditionFile::parse(name).expect("is a file's");
    stand.shares.media(token, name).await.expect("no failure").expect("is there")
}

async fn bytes(file: &MediaFile) -> Vec<u8> {
    file.content.read(Asked::All).await.expect("reads").bytes
}

/// Nothing that a file said of its maker or place is in any object.
async fn is_clean(stand: &Stand, id: &CaptureId) {
    let key = captures::rows::key(&stand.organisation, id.as_str());
    let key = stand.deps.keystore.get(&key).await.expect("was made");
    for name in stand.deps.storage.names().await {
        let bytes = stand.deps.storage.get(&name, &key).await.expect("opens");
        for trace in [&b"canary"[..], b"+52.5200", b"Lavf"] {
            assert!(!bytes.windows(trace.len()).any(|window| window == trace), "{trace:?} in {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn animations_are_shown_as_films_and_kept_as_they_were() {
    for stand in stands().await {
        for (sent, encoding, media_type) in [
            (GIF, Encoding::Gif, "image/gif"),
            (WEBP, Encoding::WebP, "image/webp"),
            (APNG, Encoding::Png, "image/png"),
        ] {
            let kind = format!("{} {media_type}", stand.test.kind);
            let accepted = accepted(&stand, sent).await;
            let whole = capture(&stand, &accepted.id).await;
            assert_eq!((whole.kind, whole.duration), (CaptureKind::Animation, Some(500)), "{kind}");
            assert_eq!((whole.width, whole.height, whole.renditions.len()), (64, 48, 9), "{kind}");
            assert_eq!(stand.list().await.items[0].kind, CaptureKind::Animation);
            assert_eq!(stand.objects().await, OBJECTS + 1, "the original is stored once");
            is_clean(&stand, &accepted.id).await;

            let page = page(&stand, &accepted.share_url).await;
            let shown = page.film.expect("moves");
            assert_eq!((page.capture_kind, shown.looped, shown.duration), (CaptureKind::Animation, true, Some(500)));
            assert_eq!((shown.width, shown.height), (64, 48), "{kind}");
            let mp4 = fetched(&stand, &shown.mp4).await;
            assert_eq!((mp4.media_type, &bytes(&mp4).await[4..8]), ("video/mp4", &b"ftyp"[..]), "{kind}");
            let original = fetched(&stand, &shown.original.expect("may be saved")).await;
            assert_eq!(original.media_type, media_type);
            let original = bytes(&original).await;
            assert_eq!(original[..4], sent[..4], "{kind}");
            let again = stand.captures.media(&stand.owner, &accepted.id, film(encoding)).await.expect("is there");
            assert_eq!(bytes(&again).await, original);
            assert_eq!(stand.test.count("jobs", "kind = 'finish_capture'").await, 0, "nothing is left to make");

            stand.erase(ErasureTarget::Capture(accepted.id)).await;
            assert_eq!(stand.objects().await, 0, "{kind}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_design_comes_onto_what_moves_and_leaves_originals_alone() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let (moving, playing) = (accepted(&stand, GIF).await.id, accepted(&stand, FILM).await.id);
        let web = RenditionFile { name: RenditionName::Web, encoding: Encoding::Jpeg, revision: 1 };
        let tags = async || {
            let mut tags = Vec::new();
            for (capture, file) in [
                (&moving, web),
                (&moving, film(Encoding::Mp4)),
                (&playing, web),
                (&moving, film(Encoding::Gif)),
                (&playing, film(Encoding::Mp4)),
            ] {
                tags.push(stand.captures.media(&stand.owner, capture, file).await.expect("is there").etag);
            }
            tags
        };
        let before = tags().await;
        let mut design = Design::default();
        design.landscape.filter = Filter::BlackAndWhite;
        stand.designs.save(&stand.owner, &stand.event, design, 0).await.expect("saves");
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        applied(&stand).await;
        let after = tags().await;
        let same: Vec<bool> = before.iter().zip(&after).map(|(before, after)| before == after).collect();
        assert_eq!(same, [false, false, false, true, false], "{kind}");
        let (moving, playing) = (capture(&stand, &moving).await, capture(&stand, &playing).await);
        assert_eq!((moving.renditions.len(), playing.renditions.len()), (9, 8), "{kind}");
        // Seven pictures of each, and the film that was made of the animation. The other one was the original, which stays.
        assert_eq!(stand.test.count("jobs", "kind = 'delete_object'").await, 15, "{kind}");
        assert_eq!(stand.test.count("jobs", "kind = 'finish_capture'").await, 0, "{kind}");
    }
}

fn grey() -> Design {
    let mut design = Design::default();
    design.landscape.filter = Filter::BlackAndWhite;
    design
}

/// Gives all captures of the event what was asked for.
async fn applied(stand: &Stand) {
    let job = Job::of_test(JobKind::ApplyDesign, stand.event.as_str());
    for _ in 0..20 {
        stand.ingest.redesigner().run(&Permit::of_test(), &job).await.expect("goes on");
        let progress = stand.designs.progress(&stand.owner, &stand.event).await.expect("is told");
        if progress.state == ApplyState::Done {
            assert_eq!(progress.failed, 0, "{}", stand.test.kind);
            return;
        }
    }
    panic!("it never ends");
}

async fn finished(stand: &Stand, capture: &CaptureId) {
    let job = Job::of_test(JobKind::FinishCapture, capture.as_str());
    let outcome = stand.ingest.finisher().run(&Permit::of_test(), &job).await.expect("finishes");
    assert_eq!(outcome, Outcome::Done);
}

/// A film whose pictures after the first one cannot be read.
fn broken() -> Vec<u8> {
    const FIRST: usize = 704;
    let mut film = FOREIGN.to_vec();
    let begin = film.windows(4).position(|name| name == b"mdat").expect("has pictures") - 4;
    let length = u32::from_be_bytes(film[begin..begin + 4].try_into().expect("four bytes")) as usize;
    film[begin + 8 + FIRST..begin + length].fill(0xFF);
    film
}

/// What a guest plays, by its validator.
async fn played(stand: &Stand, address: &str) -> Option<String> {
    match page(stand, address).await.plays() {
        Some(shown) => Some(fetched(stand, &shown.mp4).await.etag),
        None => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_gets_the_design_and_loses_it_again() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let (first, foreign) = (accepted(&stand, FILM).await, accepted(&stand, FOREIGN).await);
        finished(&stand, &foreign.id).await;
        let plain = (played(&stand, &first.share_url).await, played(&stand, &foreign.share_url).await);
        assert!(plain.0.is_some() && plain.1.is_some() && plain.0 != plain.1, "{kind}");

        stand.designs.save(&stand.owner, &stand.event, grey(), 0).await.expect("saves");
        // Nobody sees a new one without the design, not even for a moment.
        let second = accepted(&stand, FILM).await;
        assert_eq!(page(&stand, &second.share_url).await.film, None, "{kind}");
        let waiting = format!("kind = 'finish_capture' AND subject = '{}'", second.id);
        assert_eq!(stand.test.count("jobs", &waiting).await, 1, "{kind}");
        stand.captures.media(&stand.owner, &second.id, film(Encoding::Mp4)).await.expect_err("is not there yet");
        finished(&stand, &second.id).await;
        let marked = played(&stand, &second.share_url).await;
        assert!(marked.is_some() && marked != plain.0, "{kind}");

        // Older ones are shown as they were until theirs is made.
        assert_eq!(played(&stand, &first.share_url).await, plain.0, "{kind}");
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        applied(&stand).await;
        assert_eq!(played(&stand, &first.share_url).await, marked, "{kind}");
        let anew = played(&stand, &foreign.share_url).await;
        assert!(anew.is_some() && anew != plain.1, "{kind}");
        let own = "name = 'film' AND object IN (SELECT object FROM captures)";
        assert_eq!(stand.test.count("captures_renditions", own).await, 0, "{kind}");

        stand.designs.undo(&stand.owner, &stand.event).await.expect("begins");
        applied(&stand).await;
        assert_eq!(played(&stand, &first.share_url).await, plain.0, "{kind}");
        assert_eq!(played(&stand, &second.share_url).await, plain.0, "{kind}");
        assert_eq!(played(&stand, &foreign.share_url).await, plain.1, "{kind}");
        assert_eq!(stand.test.count("captures_renditions", own).await, 2, "{kind}");
        assert_eq!(stand.test.count("captures", "unplayable").await, 0, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logo_is_on_a_film_or_what_takes_its_place() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let logo = || LogoChange::Replace(LOGO.to_vec());
        let saved = stand.events.update_branding(&stand.owner, &stand.event, Branding::default(), logo(), 1).await;
        saved.expect("saved");
        let (known, left) = (accepted(&stand, FILM).await, accepted(&stand, FILM).await);
        finished(&stand, &known.id).await;
        let marked = played(&stand, &known.share_url).await;
        assert!(marked.is_some(), "{kind}");
        // The same logo as another file: a film that waited gets that one, since the first is gone.
        let saved = stand.events.update_branding(&stand.owner, &stand.event, Branding::default(), logo(), 2).await;
        saved.expect("saved");
        finished(&stand, &left.id).await;
        assert_eq!(played(&stand, &left.share_url).await, marked, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_can_never_be_shown_says_so() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let accepted = accepted(&stand, &broken()).await;
        assert!(!capture(&stand, &accepted.id).await.unplayable, "nobody has tried");
        for _ in 0..2 {
            finished(&stand, &accepted.id).await;
            assert_eq!(stand.objects().await, OBJECTS, "{kind}");
        }
        assert!(capture(&stand, &accepted.id).await.unplayable && stand.list().await.items[0].unplayable, "{kind}");
        let shown = page(&stand, &accepted.share_url).await;
        assert!(shown.unplayable && shown.plays().is_none(), "{kind}");
        let saved = fetched(&stand, &shown.film.expect("may be saved").mp4).await;
        assert_eq!(&bytes(&saved).await[4..8], b"ftyp", "{kind}");
        is_clean(&stand, &accepted.id).await;

        // With a design nobody gets it without.
        stand.designs.save(&stand.owner, &stand.event, grey(), 0).await.expect("saves");
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        applied(&stand).await;
        let shown = page(&stand, &accepted.share_url).await;
        assert_eq!((shown.unplayable, shown.film), (true, None), "{kind}");
        stand.captures.media(&stand.owner, &accepted.id, film(Encoding::Mp4)).await.expect_err("is gone");
        let late = self::accepted(&stand, &broken()).await;
        finished(&stand, &late.id).await;
        let shown = page(&stand, &late.share_url).await;
        assert_eq!((shown.unplayable, shown.film), (true, None), "{kind}");

        stand.designs.undo(&stand.owner, &stand.event).await.expect("begins");
        applied(&stand).await;
        for address in [&accepted.share_url, &late.share_url] {
            let shown = page(&stand, address).await;
            assert!(shown.unplayable && shown.film.is_some(), "{kind}");
        }
        for id in [accepted.id, late.id] {
            stand.erase(ErasureTarget::Capture(id)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_whose_file_is_lost_is_asked_for_again_and_then_given_up() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let accepted = accepted(&stand, FOREIGN).await;
        let object = stand.test.select("SELECT object AS line FROM captures").await;
        stand.deps.storage.delete_all(&object).await;
        let run = async |attempts: i32| {
            let mut job = Job::of_test(JobKind::FinishCapture, accepted.id.as_str());
            job.attempts = attempts;
            stand.ingest.finisher().run(&Permit::of_test(), &job).await
        };
        run(1).await.expect_err("is asked for again");
        assert!(!capture(&stand, &accepted.id).await.unplayable, "{kind}");
        assert_eq!(run(8).await.expect("gives up"), Outcome::Done, "{kind}");
        assert!(capture(&stand, &accepted.id).await.unplayable, "{kind}");
    }
}

/// What could not be converted once may be another time, by a newer program.
#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_tried_anew_with_another_design() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let accepted = accepted(&stand, FOREIGN).await;
        stand.test.execute("UPDATE captures SET unplayable = TRUE").await;
        stand.designs.save(&stand.owner, &stand.event, grey(), 0).await.expect("saves");
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        applied(&stand).await;
        assert!(!capture(&stand, &accepted.id).await.unplayable, "{kind}");
        assert!(played(&stand, &accepted.share_url).await.is_some(), "{kind}");
        assert!(capture(&stand, &accepted.id).await.duration.is_some(), "{kind}");
        // The job that was waiting finds nothing left to do.
        let before = stand.test.dump().await;
        finished(&stand, &accepted.id).await;
        assert!(stand.test.dump().await == before, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_plays_everywhere_is_stored_once() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let accepted = accepted(&stand, FILM).await;
        let whole = capture(&stand, &accepted.id).await;
        assert_eq!((whole.kind, whole.width, whole.height), (CaptureKind::Film, 96, 64), "{kind}");
        assert!(whole.duration.is_some_and(|duration| (900..1200).contains(&duration)), "{:?}", whole.duration);
        assert_eq!((whole.renditions.len(), stand.objects().await), (8, OBJECTS), "{kind}");
        is_clean(&stand, &accepted.id).await;
        let page = page(&stand, &accepted.share_url).await;
        let shown = page.film.expect("moves");
        assert_eq!((shown.looped, shown.original.as_deref()), (false, None));
        let file = fetched(&stand, &shown.mp4).await;
        let all = bytes(&file).await;
        assert!(all.windows(4).position(|name| name == b"moov") < all.windows(4).position(|name| name == b"mdat"));
        let piece = file.content.read(Asked::From(10, Some(99))).await.expect("reads");
        assert_eq!((piece.bytes.as_slice(), piece.total), (&all[10..100], all.len() as u64));
        assert_eq!(stand.test.count("jobs", "kind = 'finish_capture'").await, 0);

        // Two rows name one object: it is looked at once, and goes with the capture.
        let seen = scrub_all(&stand.deps, &mut |_| {}).await.expect("looks");
        assert_eq!((seen.objects as usize, seen.flawed.len()), (OBJECTS, 0), "{kind}");
        stand.erase(ErasureTarget::Capture(accepted.id)).await;
        assert_eq!(stand.objects().await, 0, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_few_browsers_play_is_converted_later() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let accepted = accepted(&stand, FOREIGN).await;
        let before = page(&stand, &accepted.share_url).await;
        assert_eq!((before.capture_kind, before.film), (CaptureKind::Film, None), "{kind}");
        assert_eq!((before.web.width, stand.objects().await), (96, OBJECTS));
        stand.captures.media(&stand.owner, &accepted.id, film(Encoding::Mp4)).await.expect_err("is not there yet");

        let job = Job::of_test(JobKind::FinishCapture, accepted.id.as_str());
        let waiting = format!("kind = 'finish_capture' AND subject = '{}'", accepted.id);
        assert_eq!(stand.test.count("jobs", &waiting).await, 1, "{kind}");
        for _ in 0..2 {
            stand.ingest.finisher().run(&Permit::of_test(), &job).await.expect("converts");
            assert_eq!(stand.objects().await, OBJECTS + 1, "{kind}");
        }
        let shown = page(&stand, &accepted.share_url).await.film.expect("moves");
        assert_eq!((shown.width, shown.height, shown.looped), (96, 64, false), "{kind}");
        let bytes = bytes(&fetched(&stand, &shown.mp4).await).await;
        assert!(bytes.windows(4).any(|name| name == b"avc1"), "{kind}");
        is_clean(&stand, &accepted.id).await;
        stand.erase(ErasureTarget::Capture(accepted.id)).await;
        assert_eq!(stand.objects().await, 0, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_recorded_is_kept_clean_and_converted_later() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let declared = Upload { declared: Some("video/webm;codecs=vp8,opus".into()), ..file(RECORDED) };
        let accepted = stand.accept(declared).await.expect("is accepted");
        let before = page(&stand, &accepted.share_url).await;
        assert_eq!((before.capture_kind, before.film), (CaptureKind::Film, None), "{kind}");
        assert_eq!((before.web.width, stand.objects().await), (96, OBJECTS), "{kind}");
        let whole = capture(&stand, &accepted.id).await;
        assert!(whole.duration.is_some_and(|duration| (900..1100).contains(&duration)), "{:?}", whole.duration);
        assert_eq!(stand.test.count("captures", "media_type = 'video/webm'").await, 1, "{kind}");
        is_clean(&stand, &accepted.id).await;

        let job = Job::of_test(JobKind::FinishCapture, accepted.id.as_str());
        stand.ingest.finisher().run(&Permit::of_test(), &job).await.expect("converts");
        assert_eq!(stand.objects().await, OBJECTS + 1, "{kind}");
        let shown = page(&stand, &accepted.share_url).await.film.expect("moves");
        assert_eq!(
            (shown.width, shown.height, shown.looped, shown.original.as_deref()),
            (96, 64, false, None),
            "{kind}"
        );
        let film = bytes(&fetched(&stand, &shown.mp4).await).await;
        assert!(film.windows(4).any(|name| name == b"avc1"), "{kind}");
        is_clean(&stand, &accepted.id).await;
        stand.erase(ErasureTarget::Capture(accepted.id)).await;
        assert_eq!(stand.objects().await, 0, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sandbox_what_moves_is_refused_and_photos_are_taken() {
    for stand in stands().await {
        let config = IngestConfig { threads: Some(1), converter: Converter::none(), ..IngestConfig::default() };
        let bare = IngestService::start(stand.deps.clone(), config, Wake::default()).expect("a thread");
        let before = stand.test.dump().await;
        for bytes in [GIF, WEBP, APNG, FILM, FOREIGN, RECORDED] {
            let refused = bare.accept(&stand.device, &stand.event, file(bytes)).await;
            assert_eq!(code(refused), Code::FilmsUnavailable, "{}", stand.test.kind);
        }
        assert!(stand.test.dump().await == before && stand.objects().await == 0);
        bare.accept(&stand.device, &stand.event, upload()).await.expect("a photo is taken");
        // One that waits to be converted goes on waiting until the sandbox is there.
        let accepted = accepted(&stand, FOREIGN).await;
        let job = Job::of_test(JobKind::FinishCapture, accepted.id.as_str());
        let failure = bare.finisher().run(&Permit::of_test(), &job).await.expect_err("waits");
        assert_eq!(AppError::from(failure).code, Code::FilmsUnavailable);
        stand.ingest.finisher().run(&Permit::of_test(), &job).await.expect("converts");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_films_and_animations_have_a_code_and_leave_nothing_behind() {
    for stand in stands().await {
        let before = stand.test.dump().await;
        // Whole, but no picture comes out of it.
        let hollow = exercise::webm(Way::Muxed, b"");
        let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
        let declared = |bytes: &[u8], text: &str| Upload { declared: Some(text.into()), ..file(bytes) };
        for (name, upload, expected) in [
            ("half a GIF", file(&half(GIF)), Code::FileTruncated),
            ("half a film", file(&half(FILM)), Code::FileTruncated),
            ("a film called a photo", declared(FILM, "image/jpeg"), Code::FileMismatch),
            ("a GIF called a film", declared(GIF, "video/mp4"), Code::FileMismatch),
            ("half a WebM", file(&half(RECORDED)), Code::FileTruncated),
            ("a WebM called an MP4", declared(RECORDED, "video/mp4"), Code::FileMismatch),
            ("a WebM without real pictures", file(&hollow), Code::FileDamaged),
            ("a playlist", file(b"#EXTM3U\nfile:///etc/passwd"), Code::FileKind),
        ] {
            assert_eq!(code(stand.accept(upload).await), expected, "{name} on {}", stand.test.kind);
        }
        assert!(stand.test.dump().await == before && stand.objects().await == 0, "{}", stand.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logo_is_on_every_picture_of_an_animation() {
    for stand in stands().await {
        let etag = async || {
            let accepted = accepted(&stand, GIF).await;
            let file = stand.captures.media(&stand.owner, &accepted.id, film(Encoding::Mp4)).await;
            file.expect("is there").etag
        };
        let plain = etag().await;
        assert_eq!(etag().await, plain, "the same file gives the same film");
        let logo = LogoChange::Replace(LOGO.to_vec());
        let saved = stand.events.update_branding(&stand.owner, &stand.event, Branding::default(), logo, 1).await;
        saved.expect("saved");
        assert_ne!(etag().await, plain, "{}", stand.test.kind);
    }
}
