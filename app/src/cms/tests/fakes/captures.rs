//! Captures.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::captures::{
    Capture, CaptureFilter, CaptureKind, CapturePage, CaptureSummary, Captures, Encoding, HistoryLine, LinkView,
    MediaFile, Rendition, RenditionFile, RenditionName,
};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, EventId, LinkId};
use shutterpost_model::messages::DeliveryState;
use shutterpost_model::share::LinkKind;

use super::events::draft;
use super::messages::message;
use super::{Answer, NOW, World, capture_id, elsewhere, event_id, guest};

#[async_trait]
impl Captures for World {
    async fn list(
        &self,
        _: &Actor,
        _: &EventId,
        filter: CaptureFilter,
        cursor: Option<String>,
        limit: i64,
    ) -> Answer<CapturePage> {
        if self.failed {
            return Err(AppError::new(Code::Busy));
        }
        let first = if cursor.is_some() { limit } else { 0 };
        let count = if filter.trash { 0 } else { self.captures };
        let items = (first..count.min(first + limit))
            .map(|number| CaptureSummary {
                id: capture_id(number),
                kind: self.kind(),
                duration: self.moving.then_some(12_400),
                unplayable: self.unplayable,
                captured_at: NOW.plus(-number * 60_000),
                width: 3000,
                height: 2000,
                thumb: format!("/cms/media/{}/thumb-1.webp", capture_id(number)),
                guests: 1,
                delivery: Some(DeliveryState::Sent),
                deleted_at: None,
            })
            .collect();
        let next = (count > first + limit).then(|| "cursor+2".to_owned());
        Ok(CapturePage { items, next, total: self.captures })
    }

    async fn find(&self, _: &Actor, capture: &CaptureId) -> Answer<Capture> {
        if *capture != capture_id(0) {
            return Err(AppError::new(Code::NotFound));
        }
        let rendition = |name: RenditionName, encoding: Encoding, width| Rendition {
            name,
            encoding,
            width,
            height: width * 2 / 3,
            size: 90_000,
            url: format!("/cms/media/{}/{}-1.{}", capture_id(0), name.as_str(), encoding.extension()),
        };
        let link = |kind, number: u8, url: Option<&str>| LinkView {
            id: LinkId::new(NOW.0, [number; 10]),
            kind,
            url: url.map(str::to_owned),
            created_at: NOW,
            revoked_at: url.is_none().then_some(NOW),
        };
        Ok(Capture {
            id: capture.clone(),
            event: event_id(),
            event_name: draft().name,
            kind: self.kind(),
            duration: self.moving.then_some(12_400),
            unplayable: self.unplayable,
            captured_at: NOW,
            received_at: NOW,
            width: 3000,
            height: 2000,
            size: 2_400_000,
            device: Some("Booth 1".into()),
            deleted_at: self.trashed.then_some(NOW),
            renditions: vec![
                rendition(RenditionName::Web, Encoding::WebP, 960),
                rendition(RenditionName::Web, Encoding::Jpeg, 960),
                rendition(RenditionName::Large, Encoding::WebP, 2048),
            ]
            .into_iter()
            .chain(self.film.then(|| rendition(RenditionName::Film, Encoding::Mp4, 1280)))
            .collect(),
            guests: vec![guest()],
            links: vec![link(LinkKind::View, 1, Some("https://photos.example/s/abc")), link(LinkKind::Owner, 2, None)],
            messages: vec![message()],
            history: vec![
                HistoryLine { at: NOW, action: "guests.reveal".into(), actor: Some("Anna".into()) },
                HistoryLine { at: NOW, action: "captures.unheard_of".into(), actor: None },
            ],
            newer: None,
            older: Some(capture_id(1)),
        })
    }

    async fn delete(&self, _: &Actor, _: &EventId, _: &[CaptureId]) -> Answer<i64> {
        elsewhere()
    }
    async fn restore(&self, _: &Actor, _: &EventId, _: &[CaptureId]) -> Answer<i64> {
        elsewhere()
    }
    async fn media(&self, _: &Actor, _: &CaptureId, _: RenditionFile) -> Answer<MediaFile> {
        elsewhere()
    }
}

impl World {
    const fn kind(&self) -> CaptureKind {
        if self.moving { CaptureKind::Film } else { CaptureKind::Still }
    }
}
