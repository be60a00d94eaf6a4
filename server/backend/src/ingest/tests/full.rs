//! Uploads onto a file system that is really full.

use jpeg_encoder::{ColorType, Encoder};
use shutterpost_model::error::Code;
use shutterpost_model::ingest::{Ingest, Upload};

use super::super::fixture::{ANNA, OBJECTS, stands, upload_of};
use super::super::{IngestConfig, IngestService};
use super::code;
use crate::jobs::Wake;
use crate::services::Deps;
use crate::storage::Storage;
use crate::testing::disk::Disk;

/// Pixels without any pattern: a JPEG of them is about as large as they are.
fn noise(width: u16, height: u16) -> Vec<u8> {
    let mut state = 1_u32;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    let pixels: Vec<u8> = (0..usize::from(width) * usize::from(height) * 3).map(|_| random()).collect();
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 95).encode(&pixels, width, height, ColorType::Rgb).expect("encodes");
    jpeg
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_larger_than_the_disk_leaves_nothing_and_succeeds_once_there_is_room() {
    for stand in stands().await {
        let folder = stand.test.folder().join("disk");
        std::fs::create_dir(&folder).expect("made");
        let Some(disk) = Disk::mount(&folder, "256k") else { return };
        let deps = Deps { storage: Storage::folder(&folder).expect("opens"), ..stand.deps.clone() };
        let config = IngestConfig { threads: Some(1), ..IngestConfig::default() };
        let ingest = IngestService::start(deps.clone(), config, Wake::default()).expect("a thread");
        let bytes = noise(720, 540);
        assert!(bytes.len() > 256 << 10, "{} bytes fit on the disk", bytes.len());
        let upload = || Upload { bytes: bytes.clone(), key: Some("full".into()), ..upload_of(ANNA) };

        let before = stand.test.dump().await;
        for _ in 0..2 {
            let refused = ingest.accept(&stand.device, &stand.event, upload()).await;
            assert_eq!(code(refused), Code::StorageFull, "{}", stand.test.kind);
            assert!(deps.storage.names().await.is_empty(), "no file, whole or half");
            assert_eq!(stand.test.dump().await, before);
        }
        disk.grow("8m");
        ingest.accept(&stand.device, &stand.event, upload()).await.expect("there is room now");
        assert_eq!(deps.storage.names().await.len(), OBJECTS);
        assert_eq!(stand.list().await.total, 1);
    }
}
