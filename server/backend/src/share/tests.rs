//! The rules of share links and pages, on both databases.

use shutterpost_model::captures::{Asked, CaptureFilter, Captures, Encoding, RenditionFile, RenditionName};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::{Branding, Events, LogoChange};
use shutterpost_model::id::LinkId;
use shutterpost_model::identity::Client;
use shutterpost_model::privacy::Privacy;
use shutterpost_model::share::{LinkKind, SharePage, Shares};
use shutterpost_model::time::Date;

use crate::ingest::fixture::{ANNA, LOGO, OBJECTS, Stand, stands, token};

const WEB: RenditionFile = RenditionFile { name: RenditionName::Web, encoding: Encoding::WebP, revision: 1 };

fn code(result: Result<impl std::fmt::Debug, AppError>) -> Code {
    result.expect_err("is refused").code
}

async fn open(stand: &Stand, address: &str) -> Option<SharePage> {
    stand.shares.page(token(address)).await.expect("no failure").map(|resolved| resolved.page)
}

/// The media token in the page's pictures.
fn media_token(page: &SharePage) -> String {
    page.web.webp.split('/').nth(2).expect("a media address").to_owned()
}

async fn link(stand: &Stand, capture: &shutterpost_model::id::CaptureId, kind: LinkKind) -> LinkId {
    let capture = stand.captures.find(&stand.owner, capture).await.expect("is found");
    capture.links.into_iter().find(|link| link.kind == kind).expect("has such a link").id
}

#[tokio::test(flavor = "multi_thread")]
async fn both_links_show_the_page_and_only_one_is_passed_on() {
    for stand in stands().await {
        let accepted = stand.capture(Some(ANNA)).await;
        let owner_link = stand.owner_link(&accepted.id).await;
        let owner = open(&stand, &owner_link).await.expect("shows");
        let view = open(&stand, &accepted.share_url).await.expect("shows");
        assert_eq!((owner.kind, view.kind), (LinkKind::Owner, LinkKind::View), "{}", stand.test.kind);
        assert_eq!(owner.share_path.as_ref(), Some(&view.path));
        assert_eq!(view.share_path.as_ref(), Some(&view.path));
        assert!(owner_link.ends_with(&owner.path) && owner.path != view.path);
        assert_eq!(owner.og, view.og, "previews hang on the link that is passed on");
        assert_ne!(media_token(&owner), media_token(&view));
        assert_eq!(view.taken_on, Date::new(2027, 1, 15).expect("valid"));
        assert_eq!(view.kept_until, Date::new(2027, 3, 17).expect("valid"));
        assert_eq!((view.web.width, view.web.height), (64, 96));
        assert_eq!(view.organisation, "Host");
        let file = stand.shares.media(&media_token(&view), WEB).await.expect("no failure").expect("is there");
        let all = file.content.read(Asked::All).await.expect("is read").bytes;
        assert_eq!((file.media_type, &all[..4]), ("image/webp", &b"RIFF"[..]));
        let some = file.content.read(Asked::From(2, Some(5))).await.expect("is read");
        assert_eq!((some.bytes.as_slice(), some.first, some.total), (&all[2..6], 2, all.len() as u64));
        // A page's token opens no media, nor the other way round.
        assert!(stand.shares.media(token(&accepted.share_url), WEB).await.expect("no failure").is_none());
        assert!(!stand.shows(&media_token(&view)).await);
        let later = RenditionFile { revision: 2, ..WEB };
        assert!(stand.shares.media(&media_token(&view), later).await.expect("no failure").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_of_every_kind_show_nothing() {
    for stand in stands().await {
        let accepted = stand.capture(None).await;
        let good = token(&accepted.share_url);
        let other = if good.starts_with('0') { "1" } else { "0" };
        for wrong in [
            "",
            "x",
            &good[1..],
            &good.to_uppercase(),
            &format!("{other}{}", &good[1..]),
            &format!("{good}0"),
            "\0",
            "ä",
        ] {
            assert!(!stand.shows(wrong).await, "{wrong:?} on {}", stand.test.kind);
            assert!(stand.shares.media(wrong, WEB).await.expect("no failure").is_none());
            assert!(stand.shares.logo(wrong).await.expect("no failure").is_none());
            assert!(stand.privacy.erase_by_owner(wrong, Client::default()).await.expect("no failure").is_none());
        }
        assert!(stand.shows(good).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_link_loses_page_and_media_and_a_renewed_one_gets_new_ones() {
    for stand in stands().await {
        let accepted = stand.capture(Some(ANNA)).await;
        let page = open(&stand, &accepted.share_url).await.expect("shows");
        let id = link(&stand, &accepted.id, LinkKind::View).await;
        let neighbour = stand.neighbour().await;
        assert_eq!(code(stand.shares.revoke(&neighbour, &id).await), Code::NotFound, "{}", stand.test.kind);
        assert!(stand.shares.media(&media_token(&page), WEB).await.expect("no failure").is_some());

        stand.shares.revoke(&stand.owner, &id).await.expect("revokes");
        assert!(!stand.shows(&accepted.share_url).await);
        assert!(stand.shares.media(&media_token(&page), WEB).await.expect("no failure").is_none());
        let owner_link = stand.owner_link(&accepted.id).await;
        let owner = open(&stand, &owner_link).await.expect("the owner's own link lives on");
        assert_eq!(owner.share_path, None, "and offers no dead link, nor itself, to be passed on");
        assert!(owner.og.starts_with(&format!("/m/{}/", media_token(&owner))), "{}", owner.og);

        stand.shares.renew(&stand.owner, &id).await.expect("renews");
        assert!(!stand.shows(&accepted.share_url).await);
        let capture = stand.captures.find(&stand.owner, &accepted.id).await.expect("is found");
        let url = capture.links.into_iter().find(|link| link.id == id).and_then(|link| link.url).expect("works again");
        let renewed = open(&stand, &url).await.expect("shows");
        assert_ne!(media_token(&renewed), media_token(&page));
        let owner = open(&stand, &owner_link).await.expect("shows");
        assert_eq!(
            (owner.share_path.as_ref(), &owner.og),
            (Some(&renewed.path), &renewed.og),
            "what is good now is offered again"
        );
        assert!(stand.shares.media(&media_token(&page), WEB).await.expect("no failure").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_deletes_bytes_and_contact_data_at_once() {
    for stand in stands().await {
        let accepted = stand.capture(Some(ANNA)).await;
        let owner_link = stand.owner_link(&accepted.id).await;
        let page = open(&stand, &owner_link).await.expect("shows");
        let refused = stand.privacy.erase_by_owner(token(&accepted.share_url), Client::default()).await;
        assert!(refused.expect("no failure").is_none(), "a view link deletes nothing on {}", stand.test.kind);
        assert!(stand.shows(&owner_link).await);
        assert_eq!(stand.objects().await, OBJECTS);

        let deleted = stand.privacy.erase_by_owner(token(&owner_link), Client::default()).await;
        let receipt = deleted.expect("no failure").expect("is erased").receipt.expect("is signed");
        assert_eq!(
            receipt.facts.destroyed,
            [("captures".into(), 1), ("files".into(), OBJECTS as i64), ("guests".into(), 1)]
        );
        assert_eq!((receipt.facts.keys, &receipt.facts.object), (2, &accepted.id.as_str().to_owned()));
        assert_eq!(stand.objects().await, 0, "nothing is left on the disk");
        assert!(!stand.shows(&owner_link).await && !stand.shows(&accepted.share_url).await);
        assert!(stand.shares.media(&media_token(&page), WEB).await.expect("no failure").is_none());
        let dump = stand.test.dump().await;
        assert!(!dump.to_lowercase().contains("canary"), "{dump}");
        assert_eq!(stand.list().await.total, 0);
        let trash = CaptureFilter { trash: true, ..CaptureFilter::default() };
        let trash = stand.captures.list(&stand.owner, &stand.event, trash, None, 9).await.expect("lists");
        assert!(trash.items.is_empty());
        assert_eq!(stand.test.count("audit_entries", "action = 'share.delete' AND actor_kind = 'guest'").await, 1);
        assert_eq!(stand.test.count("messages", "1 = 1").await, 0);
        let again = stand.privacy.erase_by_owner(token(&owner_link), Client::default()).await;
        assert!(again.expect("no failure").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_with_event_and_retention() {
    for stand in stands().await {
        let accepted = stand.capture(None).await;
        let resolved = stand.shares.page(token(&accepted.share_url)).await.expect("no failure").expect("shows");
        assert_eq!(resolved.valid_until.rfc3339(), "2027-03-17T23:00:00Z", "local midnight after the last day");
        let page = resolved.page;
        stand.test.clock.set(resolved.valid_until.plus(-1));
        assert!(stand.shows(&accepted.share_url).await, "{}", stand.test.kind);
        stand.test.clock.advance(1);
        assert!(!stand.shows(&accepted.share_url).await);
        assert!(stand.shares.media(&media_token(&page), WEB).await.expect("no failure").is_none());
        stand.test.clock.advance(-1);
        let owner = stand.owner.clone().confirmed(stand.test.deps().world.now());
        stand.events.delete(&owner, &stand.event).await.expect("deletes");
        assert!(!stand.shows(&accepted.share_url).await);
        assert!(stand.shares.media(&media_token(&page), WEB).await.expect("no failure").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logo_and_preview_follow_the_event() {
    for stand in stands().await {
        let empty = stand.shares.preview(&stand.owner, &stand.event).await.expect("shows the sample");
        assert_eq!(empty.web.width, 960, "{}", stand.test.kind);
        let (capture, file) =
            (empty.web.webp.split('/').nth(3).expect("id"), empty.web.webp.rsplit('/').next().expect("file"));
        let file = RenditionFile::parse(file).expect("a file");
        let sample =
            stand.captures.media(&stand.owner, &capture.parse().expect("an id"), file).await.expect("is there");
        assert_eq!(sample.media_type, "image/webp");

        let accepted = stand.capture(None).await;
        let bare = open(&stand, &accepted.share_url).await.expect("shows");
        assert_eq!(bare.logo, None);
        assert!(stand.shares.logo(&media_token(&bare)).await.expect("no failure").is_none());
        let (_, before) = stand.shares.changes(0).await.expect("reads");
        let logo = LogoChange::Replace(LOGO.to_vec());
        stand.events.update_branding(&stand.owner, &stand.event, Branding::default(), logo, 1).await.expect("saved");
        let (changes, after) = stand.shares.changes(before).await.expect("reads");
        assert_eq!((changes.len(), after), (1, before + 1));
        let page = open(&stand, &accepted.share_url).await.expect("shows");
        let (path, width, height) = page.logo.clone().expect("has a logo");
        assert_eq!((path, width, height), (format!("/m/{}/logo.png", media_token(&page)), 96, 64));
        let file = stand.shares.logo(&media_token(&page)).await.expect("no failure").expect("is there");
        let all = file.content.read(Asked::All).await.expect("is read").bytes;
        assert_eq!((file.media_type, &all[1..4]), ("image/png", &b"PNG"[..]));
        let preview = stand.shares.preview(&stand.owner, &stand.event).await.expect("shows");
        assert!(preview.web.webp.starts_with(&format!("/cms/media/{}/", accepted.id)));
        assert!(preview.logo.expect("has a logo").0.starts_with("/cms/logos/"));
    }
}
