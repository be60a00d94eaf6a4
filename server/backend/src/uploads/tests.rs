//! Uploads in pieces, on both databases: cut, overtaken, damaged, repeated after restarts; the file is whole in the end and
//! one capture.

use std::collections::VecDeque;

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use shutterpost_model::access::Actor;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::{DeviceDraft, Events};
use shutterpost_model::id::UploadId;
use shutterpost_model::identity::Accounts;
use shutterpost_model::privacy::ErasureTarget;
use shutterpost_model::uploads::ask::{Algorithm, Append, Bytes, Checksum, Create};
use shutterpost_model::uploads::metadata::Metadata;
use shutterpost_model::uploads::{Cut, Incoming, KEPT, Kind, OPEN_MOST, Progress, Stage, Uploads};
use tokio::sync::mpsc;

use super::UploadsService;
use crate::ingest::fixture::{OBJECTS, PICTURE, Stand, stands};
use crate::ingest::{IngestConfig, IngestService};
use crate::jobs::{Permit, Wake};
use crate::services::Deps;

/// The body of a request: pieces, then its end or a cut.
struct Script(VecDeque<Result<Vec<u8>, Cut>>);

#[async_trait]
impl Incoming for Script {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Cut> {
        self.0.pop_front().transpose()
    }
}

fn whole(bytes: &[u8]) -> Box<dyn Incoming> {
    Box::new(Script([Ok(bytes.to_vec())].into()))
}

fn cut(bytes: &[u8]) -> Box<dyn Incoming> {
    Box::new(Script([Ok(bytes.to_vec()), Err(Cut)].into()))
}

/// A body whose pieces the test sends one by one.
struct Held(mpsc::Receiver<Vec<u8>>);

#[async_trait]
impl Incoming for Held {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Cut> {
        Ok(self.0.recv().await)
    }
}

fn service(stand: &Stand) -> UploadsService {
    UploadsService::new(stand.deps.clone(), stand.ingest.clone(), 40_000_000)
}

fn beginning(length: usize) -> Create {
    Create { kind: Kind::Whole, length: Some(length as u64), metadata: Metadata::default(), bytes: None }
}

async fn begin(stand: &Stand, create: Create) -> UploadId {
    service(stand).create(&stand.device, create, whole(b"")).await.expect("begins").id
}

fn at(offset: u64) -> Append {
    Append { offset, length: None, bytes: Bytes::default() }
}

fn checked(offset: u64, bytes: &[u8]) -> Append {
    let checksum = Checksum { algorithm: Algorithm::Sha256, digest: Sha256::digest(bytes).to_vec() };
    let bytes = Bytes { size: Some(bytes.len() as u64), checksum: Some(checksum) };
    Append { offset, length: None, bytes }
}

fn code<T: std::fmt::Debug>(result: Result<T, AppError>) -> Code {
    result.expect_err("is refused").code
}

fn capture(progress: &Progress) -> String {
    match &progress.stage {
        Stage::Done(accepted) => accepted.id.to_string(),
        other => panic!("{other:?} is no capture"),
    }
}

/// One capture of these very bytes, and nothing left of the upload but what it became.
async fn is_taken_in(stand: &Stand, file: &[u8]) {
    let sql = if stand.test.kind == "sqlite" { "lower(hex(file_hash))" } else { "encode(file_hash, 'hex')" };
    let hashes = stand.test.select(&format!("SELECT {sql} AS line FROM ingest_requests")).await;
    assert_eq!(hashes, [HEXLOWER.encode(&Sha256::digest(file))], "{}: the file, byte by byte", stand.test.kind);
    assert_eq!(stand.list().await.total, 1, "{}", stand.test.kind);
    nothing_is_left(stand, OBJECTS).await;
}

async fn nothing_is_left(stand: &Stand, objects: usize) {
    assert_eq!(stand.objects().await, objects, "{}", stand.test.kind);
    assert_eq!(stand.test.count("uploads_parts", "1 = 1").await, 0);
    assert_eq!(stand.test.count("uploads", "metadata IS NOT NULL").await, 0);
    assert_eq!(stand.test.count_keys("purpose = 'upload' AND state = 'active'").await, 0, "{}", stand.test.kind);
}

/// A picture of many pieces: noise cannot be made smaller.
fn noise() -> Vec<u8> {
    const SIDE: u16 = 1900;
    let mut state = 1_u32;
    let pixels: Vec<u8> = (0..usize::from(SIDE) * usize::from(SIDE) * 3)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        })
        .collect();
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 100);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
    encoder.encode(&pixels, SIDE, SIDE, jpeg_encoder::ColorType::Rgb).expect("encodes");
    assert!(file.len() > 2 * super::pen::PIECE, "{} bytes", file.len());
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_cut_at_any_byte_and_sent_on_after_restarts_is_one_capture() {
    for stand in stands().await {
        let id = begin(&stand, beginning(PICTURE.len())).await;
        let mut offset = 0;
        let mut step = 1;
        while offset < PICTURE.len() {
            // A service made anew knows what is stored and nothing else.
            let uploads = service(&stand);
            let end = PICTURE.len().min(offset + step);
            step = step * 3 + 1;
            let last = end == PICTURE.len();
            let body = if last { whole(&PICTURE[offset..end]) } else { cut(&PICTURE[offset..end]) };
            let told = uploads.append(&stand.device, &id, at(offset as u64), body).await.expect("is taken");
            assert_eq!(told.offset as usize, end, "what came before the cut is kept");
            if !last {
                assert_eq!(stand.test.count("uploads_parts", "1 = 1").await, 1, "small pieces become one");
                assert_eq!(stand.objects().await, 1);
            }
            assert!(matches!(told.stage, Stage::Done(_)) == last);
            offset = end;
        }
        is_taken_in(&stand, PICTURE).await;
        let told = service(&stand).look(&stand.device, &id).await.expect("is told");
        let again = service(&stand).append(&stand.device, &id, at(told.offset), whole(b"")).await.expect("is told");
        assert_eq!(capture(&told), capture(&again));
        is_taken_in(&stand, PICTURE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_lies_in_sealed_pieces_and_a_checksum_counts_all_or_nothing() {
    let file = noise();
    for stand in stands().await {
        let uploads = service(&stand);
        let id = begin(&stand, beginning(file.len())).await;
        let first = file.len() / 2;
        let append = |ask, body| uploads.append(&stand.device, &id, ask, body);
        let told = append(at(0), cut(&file[..first])).await.expect("is taken");
        assert_eq!(told.offset as usize, first);
        let stored = stand.objects().await;
        for name in stand.deps.storage.names().await {
            let sealed = stand.deps.storage.get_unsealed(&name).await.expect("is there");
            assert!(!sealed.windows(64).any(|window| window == &file[1000..1064]), "{name} is sealed");
        }
        // Damaged on its way, cut before its end, and then as it should be.
        let mut damaged = file[first..].to_vec();
        damaged[7] ^= 1;
        let rest = &file[first..];
        assert_eq!(code(append(checked(first as u64, rest), whole(&damaged)).await), Code::UploadChecksum);
        assert_eq!(code(append(checked(first as u64, rest), cut(&rest[..rest.len() - 1])).await), Code::UploadChecksum);
        assert_eq!(stand.objects().await, stored, "{}: nothing of it was kept", stand.test.kind);
        assert_eq!(uploads.look(&stand.device, &id).await.expect("is told").offset as usize, first);
        let told = append(checked(first as u64, rest), whole(rest)).await.expect("is taken");
        capture(&told);
        is_taken_in(&stand, &file).await;
    }
}

/// Case 53.
#[tokio::test(flavor = "multi_thread")]
async fn gaps_overlaps_other_lengths_and_overtaken_writers_are_told_and_harm_nothing() {
    for stand in stands().await {
        let uploads = service(&stand);
        let id = begin(&stand, beginning(PICTURE.len())).await;
        let half = PICTURE.len() / 2;
        let append = |ask, body| uploads.append(&stand.device, &id, ask, body);
        append(at(0), cut(&PICTURE[..half])).await.expect("is taken");
        let before = stand.test.dump().await;
        assert_eq!(code(append(at(half as u64 + 1), whole(&PICTURE[half..])).await), Code::UploadOffset, "a gap");
        assert_eq!(code(append(at(0), whole(PICTURE)).await), Code::UploadOffset, "an overlap");
        let longer = Append { length: Some(PICTURE.len() as u64 + 1), ..at(half as u64) };
        assert_eq!(code(append(longer, whole(&PICTURE[half..])).await), Code::UploadOffset, "another length");
        let announced = Bytes { size: Some(PICTURE.len() as u64), checksum: None };
        let large = Append { bytes: announced, ..at(half as u64) };
        assert_eq!(code(append(large, whole(PICTURE)).await), Code::TooLarge);
        assert!(stand.test.dump().await == before, "{}: a refusal changes nothing", stand.test.kind);
        assert_eq!(code(append(at(half as u64), whole(PICTURE)).await), Code::TooLarge, "more than was announced");

        // One who has begun and stands still, with bytes that are not the file's.
        let (send, receive) = mpsc::channel(1);
        let slow = {
            let (uploads, device, id) = (uploads.clone(), stand.device.clone(), id.clone());
            tokio::spawn(async move { uploads.append(&device, &id, at(half as u64), Box::new(Held(receive))).await })
        };
        send.send(vec![0; 10]).await.expect("is waited for");
        while stand.test.count("uploads", "claim < 3").await == 1 {
            tokio::task::yield_now().await;
        }
        let told = append(at(half as u64), cut(&PICTURE[half..half + 9])).await.expect("the second takes over");
        assert_eq!(told.offset as usize, half + 9);
        drop(send);
        assert_eq!(code(slow.await.expect("no panic")), Code::UploadOffset, "{}", stand.test.kind);
        let told = append(at(half as u64 + 9), whole(&PICTURE[half + 9..])).await.expect("is taken");
        capture(&told);
        is_taken_in(&stand, PICTURE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_for_by_many_at_once_it_is_taken_in_once() {
    for stand in stands().await {
        // All bytes are here when the disk has no room for the capture.
        let id = begin(&stand, beginning(PICTURE.len())).await;
        let full = Deps { storage: stand.deps.storage.full_after(0), ..stand.deps.clone() };
        let config = IngestConfig { threads: Some(1), ..IngestConfig::default() };
        let ingest = IngestService::start(full, config, Wake::default()).expect("a thread");
        let broken = UploadsService::new(stand.deps.clone(), ingest, 40_000_000);
        let refused = broken.append(&stand.device, &id, at(0), whole(PICTURE)).await;
        assert_eq!(code(refused), Code::StorageFull, "{}", stand.test.kind);
        assert_eq!(stand.list().await.total, 0);
        let looks = (0..4).map(|_| {
            let (uploads, device, id) = (service(&stand), stand.device.clone(), id.clone());
            async move { uploads.look(&device, &id).await }
        });
        for told in futures_util::future::join_all(looks).await {
            told.expect("is told");
        }
        is_taken_in(&stand, PICTURE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_client_says_goes_with_it_and_its_own_key_counts_across_uploads() {
    for stand in stands().await {
        let encode = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
        let guest = r#"{"email":"anna@canary.example","consents":[{"purpose":"delivery","granted":true}]}"#;
        let header =
            format!("guest {},idempotencykey {},filetype {}", encode(guest), encode("k1"), encode("image/jpeg"));
        let create = || Create {
            metadata: Metadata::read(&header).expect("is read"),
            bytes: Some(Bytes::default()),
            ..beginning(PICTURE.len())
        };
        let uploads = service(&stand);
        let open = uploads.create(&stand.device, create(), cut(&PICTURE[..5])).await.expect("begins");
        assert_eq!(open.metadata.expect("is told again").expose(), &header);
        assert!(!stand.test.dump().await.contains(&encode(guest)), "{}: sealed", stand.test.kind);
        let first = uploads.create(&stand.device, create(), whole(PICTURE)).await.expect("is taken");
        let again = uploads.append(&stand.device, &open.id, at(5), whole(&PICTURE[5..])).await.expect("is taken");
        assert_eq!(capture(&first), capture(&again), "{}", stand.test.kind);
        assert!(again.metadata.is_none());
        assert_eq!(stand.test.count("messages", "1 = 1").await, 1);
        is_taken_in(&stand, PICTURE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_none_is_refused_for_good() {
    for stand in stands().await {
        let id = begin(&stand, beginning(12)).await;
        let uploads = service(&stand);
        for _ in 0..2 {
            let told = uploads.append(&stand.device, &id, at(0), whole(b"no picture!!")).await;
            let told = match told {
                Ok(told) => told,
                // Asked once more from the beginning, which is not where it is.
                Err(error) => {
                    assert_eq!(error.code, Code::UploadOffset);
                    uploads.look(&stand.device, &id).await.expect("is told")
                }
            };
            assert!(matches!(&told.stage, Stage::Refused(error) if error.code == Code::FileKind), "{told:?}");
        }
        nothing_is_left(&stand, 0).await;
        assert_eq!(stand.list().await.total, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_uploads_are_joined_in_their_order() {
    for stand in stands().await {
        let uploads = service(&stand);
        let (one, two) = PICTURE.split_at(PICTURE.len() / 3);
        let mut parts = Vec::new();
        for bytes in [one, two] {
            let create = Create { kind: Kind::Partial, bytes: Some(Bytes::default()), ..beginning(bytes.len()) };
            let told = uploads.create(&stand.device, create, whole(bytes)).await.expect("is taken");
            assert!(matches!(told.stage, Stage::Open), "a part is no file");
            parts.push(told.id);
        }
        let open = begin(&stand, Create { kind: Kind::Partial, ..beginning(5) }).await;
        let join = |parts: &[UploadId]| Create {
            kind: Kind::Joined(parts.to_vec()),
            length: None,
            metadata: Metadata::default(),
            bytes: None,
        };
        let unfinished = uploads.create(&stand.device, join(&[parts[0].clone(), open.clone()]), whole(b"")).await;
        assert_eq!(code(unfinished), Code::UploadOffset);
        uploads.end(&stand.device, &open).await.expect("ends");
        let told = uploads.create(&stand.device, join(&parts), whole(b"")).await.expect("is taken");
        assert_eq!(told.kind, Kind::Joined(parts.clone()));
        capture(&told);
        assert_eq!(
            code(uploads.append(&stand.device, &told.id, at(told.offset), whole(b"")).await),
            Code::UploadJoined
        );
        assert_eq!(code(uploads.look(&stand.device, &parts[0]).await), Code::NotFound, "a part ends with its whole");
        is_taken_in(&stand, PICTURE).await;
    }
}

async fn another_device(stand: &Stand) -> Actor {
    let draft = DeviceDraft { name: "Booth 2".into() };
    let issued = stand.events.create_device(&stand.owner, &stand.event, draft).await.expect("the device is made");
    stand.accounts.bearer(issued.secret.expose()).await.expect("is read").expect("is known")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_its_uploaders_own_and_one_has_so_many_at_a_time() {
    for stand in stands().await {
        let uploads = service(&stand);
        let id = begin(&stand, beginning(9)).await;
        let before = stand.test.dump().await;
        for other in [another_device(&stand).await, stand.owner.clone(), stand.neighbour().await] {
            assert_eq!(code(uploads.look(&other, &id).await), Code::NotFound, "{}", stand.test.kind);
            assert_eq!(code(uploads.append(&other, &id, at(0), whole(b"123")).await), Code::NotFound);
            assert_eq!(code(uploads.end(&other, &id).await), Code::NotFound);
        }
        let uploads_of = |dump: &str| dump.split("\nuploads\n").nth(1).expect("the table").to_owned();
        assert_eq!(uploads_of(&stand.test.dump().await), uploads_of(&before));
        for _ in 1..OPEN_MOST {
            begin(&stand, beginning(9)).await;
        }
        assert_eq!(code(uploads.create(&stand.device, beginning(9), whole(b"")).await), Code::TooMany);
        uploads.end(&stand.device, &id).await.expect("ends");
        assert_eq!(code(uploads.look(&stand.device, &id).await), Code::NotFound);
        let used = begin(&stand, beginning(9)).await;
        uploads.append(&stand.device, &used, at(0), cut(b"some")).await.expect("is taken");
        // Of those that never got a byte the oldest makes room after a while; nobody may know its address.
        stand.test.clock.advance(10 * 60_000);
        assert_eq!(code(uploads.create(&stand.device, beginning(9), whole(b"")).await), Code::TooMany);
        stand.test.clock.advance(1);
        begin(&stand, beginning(9)).await;
        assert_eq!(stand.test.count("uploads", "state = 'open'").await, OPEN_MOST, "{}", stand.test.kind);
        assert_eq!(uploads.look(&stand.device, &used).await.expect("is there").offset, 4);
        assert_eq!(code(uploads.create(&stand.device, beginning(40_000_001), whole(b"")).await), Code::TooLarge);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_untouched_ends_after_a_week_and_its_key_is_destroyed() {
    for stand in stands().await {
        let uploads = service(&stand);
        let (old, used) = (begin(&stand, beginning(99)).await, begin(&stand, beginning(99)).await);
        for id in [&old, &used] {
            uploads.append(&stand.device, id, at(0), cut(b"some bytes")).await.expect("is taken");
        }
        stand.test.clock.advance(KEPT - 1);
        uploads.append(&stand.device, &used, at(10), cut(b"more")).await.expect("is taken");
        stand.test.clock.advance(1);
        assert_eq!(code(uploads.append(&stand.device, &old, at(10), whole(b"late")).await), Code::UploadEnded);
        assert_eq!(code(uploads.look(&stand.device, &old).await), Code::UploadEnded);
        assert_eq!(stand.objects().await, 2);
        super::sweep(&Permit::of_test(), &stand.deps).await.expect("sweeps");
        assert_eq!(code(uploads.look(&stand.device, &old).await), Code::NotFound);
        assert_eq!(uploads.look(&stand.device, &used).await.expect("is there").offset, 14);
        assert_eq!(stand.objects().await, 1, "{}", stand.test.kind);
        assert_eq!(stand.test.count_keys("purpose = 'upload' AND state = 'active'").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_with_its_event() {
    for stand in stands().await {
        let uploads = service(&stand);
        let id = begin(&stand, beginning(99)).await;
        uploads.append(&stand.device, &id, at(0), cut(b"some bytes")).await.expect("is taken");
        stand.erase(ErasureTarget::Event(stand.event.clone())).await;
        assert_eq!(stand.test.count_keys("purpose = 'upload' AND state = 'active'").await, 0, "{}", stand.test.kind);
        assert_eq!(code(uploads.look(&stand.device, &id).await), Code::NotFound);
        assert_eq!(code(uploads.append(&stand.device, &id, at(10), whole(b"x")).await), Code::NotFound);
    }
}
