//! The rules of captures, on both databases.

mod plans;

use std::collections::HashSet;

use shutterpost_model::access::Role;
use shutterpost_model::captures::{
    Asked, CaptureFilter, CapturePage, Captures, Encoding, RenditionFile, RenditionName,
};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::Events;
use shutterpost_model::id::CaptureId;
use shutterpost_model::messages::DeliveryState;
use shutterpost_model::share::{ChangeTarget, Shares};
use shutterpost_model::time::Millis;

use crate::ingest::bulk;
use crate::ingest::fixture::{ANNA, Stand, draft, stands};

fn code(result: Result<impl std::fmt::Debug, AppError>) -> Code {
    result.expect_err("is refused").code
}

async fn page(
    stand: &Stand,
    filter: &CaptureFilter,
    cursor: Option<String>,
    limit: i64,
) -> Result<CapturePage, AppError> {
    stand.captures.list(&stand.owner, &stand.event, filter.clone(), cursor, limit).await
}

/// All ids by pages of the given length.
async fn walk(stand: &Stand, filter: &CaptureFilter, limit: i64) -> Vec<CaptureId> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let CapturePage { items, next, total: _ } = page(stand, filter, cursor, limit).await.expect("lists");
        ids.extend(items.into_iter().map(|item| item.id));
        cursor = next;
        if cursor.is_none() {
            return ids;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_complete_and_without_repetition_where_times_are_equal() {
    for stand in stands().await {
        stand.capture(None).await;
        bulk::fill(&stand.deps, &stand.owner, &stand.event, 60).await.expect("written");
        // Groups of many equal instants, larger than a page.
        stand.test.execute("UPDATE captures SET captured_at = 1000000000000 + (captured_at / 100000) % 3").await;
        let whole = walk(&stand, &CaptureFilter::default(), 200).await;
        assert_eq!(whole.len(), 61, "{}", stand.test.kind);
        for limit in [1, 7, 20, 60, 61] {
            let ids = walk(&stand, &CaptureFilter::default(), limit).await;
            assert_eq!(ids, whole, "by {limit} on {}", stand.test.kind);
        }
        assert_eq!(whole.iter().collect::<HashSet<_>>().len(), 61);
        // Neighbours lead through the same list.
        let middle = stand.captures.find(&stand.owner, &whole[30]).await.expect("is found");
        assert_eq!((middle.newer.as_ref(), middle.older.as_ref()), (whole.get(29), whole.get(31)));
        let first = stand.captures.find(&stand.owner, &whole[0]).await.expect("is found");
        assert_eq!((first.newer, first.older.as_ref()), (None, whole.get(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_fits_only_its_event_and_filter() {
    for stand in stands().await {
        stand.capture(None).await;
        bulk::fill(&stand.deps, &stand.owner, &stand.event, 3).await.expect("written");
        let everything = CaptureFilter::default();
        let cursor = page(&stand, &everything, None, 2).await.expect("lists").next.expect("a second page");
        assert!(page(&stand, &everything, Some(cursor.clone()), 2).await.is_ok());
        let other_filter = CaptureFilter { guest: Some(false), ..everything.clone() };
        assert_eq!(
            code(page(&stand, &other_filter, Some(cursor.clone()), 2).await),
            Code::BadCursor,
            "{}",
            stand.test.kind
        );
        let other = stand.events.create(&stand.owner, draft()).await.expect("made");
        let elsewhere = stand.captures.list(&stand.owner, &other, everything.clone(), Some(cursor.clone()), 2).await;
        assert_eq!(code(elsewhere), Code::BadCursor);
        for nonsense in ["", "x", &cursor[1..], &format!("{cursor}A")] {
            assert_eq!(code(page(&stand, &everything, Some(nonsense.into()), 2).await), Code::BadCursor, "{nonsense}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_restrict_the_list() {
    for stand in stands().await {
        let with_guest = stand.capture(Some(ANNA)).await.id;
        stand.test.clock.advance(1000);
        let without = stand.capture(None).await.id;
        let (first, second) = (stand.deps.world.now().plus(-1000), stand.deps.world.now());
        let all = vec![without.clone(), with_guest.clone()];
        let default = CaptureFilter::default();
        for (filter, expected) in [
            (default.clone(), all.clone()),
            (CaptureFilter { guest: Some(true), ..default.clone() }, vec![with_guest.clone()]),
            (CaptureFilter { guest: Some(false), ..default.clone() }, vec![without.clone()]),
            (CaptureFilter { delivery: Some(DeliveryState::Queued), ..default.clone() }, vec![with_guest.clone()]),
            (CaptureFilter { delivery: Some(DeliveryState::Failed), ..default.clone() }, vec![]),
            (CaptureFilter { from: Some(second), ..default.clone() }, vec![without.clone()]),
            (CaptureFilter { from: Some(first), to: Some(second), ..default.clone() }, vec![with_guest.clone()]),
            (CaptureFilter { trash: true, ..default.clone() }, vec![]),
        ] {
            let found = page(&stand, &filter, None, 200).await.expect("lists");
            let ids: Vec<_> = found.items.into_iter().map(|item| item.id).collect();
            assert_eq!(ids, expected, "{filter:?} on {}", stand.test.kind);
            assert_eq!(found.total, 2);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_and_restoring_is_all_or_none() {
    for stand in stands().await {
        let a = stand.capture(None).await;
        let b = stand.capture(None).await;
        let other_event = stand.events.create(&stand.owner, draft()).await.expect("made");
        let unknown: CaptureId = "cap_00000000000070008000000000000000".parse().expect("an id");
        let before = stand.test.dump().await;
        let delete = |ids: Vec<CaptureId>| {
            let (captures, owner, event) = (stand.captures.clone(), stand.owner.clone(), stand.event.clone());
            async move { captures.delete(&owner, &event, &ids).await }
        };
        assert_eq!(code(delete(vec![a.id.clone(), unknown]).await), Code::NotFound, "{}", stand.test.kind);
        assert_eq!(delete(vec![]).await.expect_err("refused").of("captures"), Some(Code::Required));
        let elsewhere = stand.captures.delete(&stand.owner, &other_event, std::slice::from_ref(&a.id)).await;
        assert_eq!(code(elsewhere), Code::NotFound);
        assert_eq!(stand.test.dump().await, before);

        let (_, newest) = stand.shares.changes(0).await.expect("reads");
        assert_eq!(delete(vec![a.id.clone(), b.id.clone(), a.id.clone()]).await.expect("deletes"), 2);
        assert_eq!(stand.list().await.total, 0);
        assert!(!stand.shows(&a.share_url).await);
        let (changes, _) = stand.shares.changes(newest).await.expect("reads");
        assert_eq!(changes.len(), 2);
        for capture in [&a.id, &b.id] {
            let target = ChangeTarget::Capture(capture.clone());
            assert!(changes.iter().any(|change| change.target == target));
        }
        let trash =
            page(&stand, &CaptureFilter { trash: true, ..CaptureFilter::default() }, None, 9).await.expect("lists");
        assert_eq!(trash.items.len(), 2);
        // Thumbs of the trash still show to those who may restore; the history knows who deleted.
        let file = RenditionFile { name: RenditionName::Thumb, encoding: Encoding::WebP, revision: 1 };
        assert!(stand.captures.media(&stand.owner, &a.id, file).await.is_ok());
        let history = stand.captures.find(&stand.owner, &a.id).await.expect("is found").history;
        assert_eq!(history[0].action, "captures.delete");
        assert_eq!(history[0].actor.as_deref(), Some("Olga Owner"));

        assert_eq!(delete(vec![a.id.clone()]).await.expect("deletes"), 0, "was there already");
        let restored = stand.captures.restore(&stand.owner, &stand.event, &[a.id.clone(), b.id.clone()]).await;
        assert_eq!(restored.expect("restores"), 2);
        assert_eq!(stand.list().await.total, 2);
        assert!(stand.shows(&a.share_url).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_captures_are_not_found_and_roles_are_obeyed() {
    for stand in stands().await {
        let capture = stand.capture(None).await.id;
        let neighbour = stand.neighbour().await;
        let viewer = stand.member("vera@host.example", Role::Viewer).await;
        let reporter = stand.member("rita@host.example", Role::Reporter).await;
        let file = RenditionFile { name: RenditionName::Web, encoding: Encoding::Jpeg, revision: 1 };
        let one = std::slice::from_ref(&capture);
        let before = stand.test.dump().await;
        assert_eq!(code(stand.captures.find(&neighbour, &capture).await), Code::NotFound, "{}", stand.test.kind);
        assert_eq!(code(stand.captures.media(&neighbour, &capture, file).await), Code::NotFound);
        assert_eq!(code(stand.captures.delete(&neighbour, &stand.event, one).await), Code::NotFound);
        assert_eq!(code(stand.captures.delete(&viewer, &stand.event, one).await), Code::Forbidden);
        assert_eq!(code(stand.captures.find(&reporter, &capture).await), Code::Forbidden);
        assert_eq!(code(stand.captures.find(&stand.device, &capture).await), Code::Forbidden);
        let later = RenditionFile { revision: 2, ..file };
        assert_eq!(code(stand.captures.media(&stand.owner, &capture, later).await), Code::NotFound);
        assert_eq!(stand.test.dump().await, before);
        let media = stand.captures.media(&viewer, &capture, file).await.expect("reads");
        let all = media.content.read(Asked::All).await.expect("is read").bytes;
        assert_eq!((media.media_type, all.starts_with(&[0xff, 0xd8])), ("image/jpeg", true));
        stand.events.delete(&stand.owner, &stand.event).await.expect("deletes");
        assert_eq!(code(stand.captures.find(&stand.owner, &capture).await), Code::NotFound);
        assert_eq!(code(stand.captures.media(&stand.owner, &capture, file).await), Code::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_the_client_knows_orders_the_list() {
    for stand in stands().await {
        let earlier = shutterpost_model::ingest::Upload {
            captured_at: Some(Millis(1_700_000_000_000)),
            ..crate::ingest::fixture::upload()
        };
        let now = stand.capture(None).await.id;
        let earlier = stand.accept(earlier).await.expect("accepted").id;
        assert_eq!(walk(&stand, &CaptureFilter::default(), 1).await, [now, earlier], "{}", stand.test.kind);
    }
}
