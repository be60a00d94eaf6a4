//! The trash: out of sight at once, back as it was, gone for good after thirty days.

use shutterpost_model::access::{Actor, Role};
use shutterpost_model::captures::{Asked, Captures, Encoding, RenditionFile, RenditionName};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::{DeviceDraft, Events};
use shutterpost_model::guests::Guests;
use shutterpost_model::id::{GuestId, UserId};
use shutterpost_model::identity::{Accounts, Client, Directory};
use shutterpost_model::messages::Messages;
use shutterpost_model::privacy::trash::{Trash, TrashItem, TrashKind, TrashPage, TrashTarget, Trashed};
use shutterpost_model::privacy::{ErasureTarget, Privacy};
use shutterpost_model::share::Shares;
use shutterpost_model::time::Millis;

use crate::captures::rows as captures;
use crate::guests::rows as guests;
use crate::ingest::fixture::{ANNA, OBJECTS, Stand, draft, stands, token};
use crate::jobs::{Permit, Wake};
use crate::keystore::KeyRef;
use crate::messages::MessagesService;
use crate::privacy::{Swept, sweep};

const BERTA: &str = r#"{"email":"berta@canary.example"}"#;
const WEB: RenditionFile = RenditionFile { name: RenditionName::Web, encoding: Encoding::WebP, revision: 1 };

fn code(result: Result<impl std::fmt::Debug, AppError>) -> Code {
    result.expect_err("is refused").code
}

async fn swept(stand: &Stand) -> Swept {
    sweep(&Permit::of_test(), &stand.deps).await.expect("sweeps")
}

async fn page(stand: &Stand, actor: &Actor, kind: Option<TrashKind>, cursor: Option<String>) -> TrashPage {
    stand.trash.list(actor, kind, cursor).await.expect("lists")
}

async fn lying(stand: &Stand) -> Vec<TrashItem> {
    page(stand, &stand.owner, None, None).await.items
}

async fn restore(stand: &Stand, target: impl Into<String>) {
    let target: TrashTarget = target.into().parse().expect("a target");
    stand.trash.restore(&stand.owner, &target).await.expect("restores");
}

/// Messages that the list shows.
async fn messages(stand: &Stand) -> usize {
    let messages = MessagesService::new(stand.deps.clone(), Wake::default());
    messages.list(&stand.owner, None, None).await.expect("lists").items.len()
}

/// Address of the picture on a page.
async fn picture(stand: &Stand, address: &str) -> String {
    let page = stand.shares.page(token(address)).await.expect("no failure").expect("shows").page;
    page.web.webp.split('/').nth(2).expect("a media token").to_owned()
}

async fn opens(stand: &Stand, media: &str) -> bool {
    stand.shares.media(media, WEB).await.expect("no failure").is_some()
}

fn user_of(actor: &Actor) -> UserId {
    actor.user().expect("a person").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_guest_is_out_of_sight_and_comes_back_whole() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let (alone, together) = (stand.capture(Some(ANNA)).await, stand.capture(Some(ANNA)).await);
        let berta = stand.join(&together.id, BERTA).await;
        let anna = stand.guest_of(&alone.id).await;
        let links = [stand.owner_link(&alone.id).await, stand.owner_link(&together.id).await];
        let media = picture(&stand, &links[1]).await;
        let (before, counted) = (stand.list().await, messages(&stand).await);
        let overview = stand.events.overview(&stand.owner).await.expect("reads");
        assert!(counted > 0 && overview.waiting_messages > 0, "{kind}: the control");

        let (_, changes) = stand.shares.changes(0).await.expect("reads");
        stand.guests.delete(&stand.owner, &anna.id).await.expect("deletes");
        assert_eq!(stand.shares.changes(changes).await.expect("reads").0.len(), 2, "{kind}: cached pages are stale");
        assert_eq!(code(stand.guests.find(&stand.owner, &anna.id).await), Code::NotFound, "{kind}");
        assert_eq!(code(stand.guests.reveal(&stand.owner, &anna.id).await), Code::NotFound);
        assert_eq!(code(stand.captures.find(&stand.owner, &alone.id).await), Code::NotFound);
        for link in &links {
            assert!(!stand.shows(link).await, "{kind}: {link}");
            let asked = stand.privacy.erase_by_owner(token(link), Client::default()).await;
            assert!(asked.expect("no failure").is_none(), "a dead link deletes nothing");
        }
        assert!(!opens(&stand, &media).await && !stand.shows(&alone.share_url).await);
        assert!(stand.shows(&together.share_url).await, "{kind}: Berta is still in it");
        let left = stand.captures.find(&stand.owner, &together.id).await.expect("is found");
        assert_eq!(left.guests.iter().map(|guest| &guest.id).collect::<Vec<_>>(), [&berta]);
        assert!(left.messages.is_empty() && left.links.len() == 1, "{kind}: {:?}", left.links.len());
        let list = stand.list().await;
        assert_eq!((list.total, list.items.len(), list.items[0].guests, list.items[0].delivery), (1, 1, 1, None));
        assert_eq!(messages(&stand).await, 0, "{kind}");
        let overview = stand.events.overview(&stand.owner).await.expect("reads");
        assert_eq!((overview.waiting_messages, overview.today.captures), (0, 1), "{kind}");

        let items = lying(&stand).await;
        assert_eq!(items.len(), 1, "{kind}: the capture lies with its guest");
        assert_eq!((items[0].kind, items[0].object.as_str()), (TrashKind::Guest, anna.id.as_str()));
        assert_eq!(items[0].deleted_by.as_deref(), Some("Olga Owner"));
        let Trashed::Guest { email, captures, .. } = &items[0].what else { panic!("a guest") };
        assert_eq!((email.as_ref().map(|email| email.get().as_str()), *captures), (Some("a…@c….example"), 2));
        stand.guests.delete(&stand.owner, &anna.id).await.expect("again, nothing more");
        let restored = stand.captures.restore(&stand.owner, &stand.event, std::slice::from_ref(&alone.id)).await;
        assert_eq!(restored, Ok(0), "{kind}: not without the guest");

        restore(&stand, anna.id.as_str()).await;
        restore(&stand, anna.id.as_str()).await;
        assert_eq!(stand.guests.find(&stand.owner, &anna.id).await.expect("is found"), anna, "{kind}");
        for link in &links {
            assert!(stand.shows(link).await, "{kind}: {link}");
        }
        assert!(opens(&stand, &media).await && stand.shows(&alone.share_url).await);
        let after = stand.list().await;
        assert_eq!((after.total, messages(&stand).await), (2, counted), "{kind}");
        assert_eq!(after.items[0].delivery, before.items[0].delivery);
        assert!(lying(&stand).await.is_empty());
        for action in ["guests.trash", "guests.restore"] {
            assert_eq!(stand.test.count("audit_entries", &format!("action = '{action}'")).await, 1, "{kind}: {action}");
        }
        // Recognised again.
        let next = stand.capture(Some(ANNA)).await;
        assert_eq!(stand.guest_of(&next.id).await.id, anna.id, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_again_meanwhile_is_somebody_new() {
    for stand in stands().await {
        let first = stand.capture(Some(ANNA)).await;
        let anna = stand.guest_of(&first.id).await.id;
        stand.guests.delete(&stand.owner, &anna).await.expect("deletes");
        let again = stand.capture(Some(ANNA)).await;
        let new = stand.guest_of(&again.id).await.id;
        assert_ne!(new, anna, "{}", stand.test.kind);
        let link = stand.owner_link(&again.id).await;
        assert!(stand.shows(&link).await && !stand.shows(&first.share_url).await);
        restore(&stand, anna.as_str()).await;
        assert!(stand.shows(&first.share_url).await && stand.shows(&link).await);
        let next = stand.capture(Some(ANNA)).await;
        assert_eq!(stand.guest_of(&next.id).await.id, new, "{}: whoever came last", stand.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_goes_with_the_last_of_its_guests() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let shared = stand.capture(Some(ANNA)).await;
        let anna = stand.guest_of(&shared.id).await.id;
        let berta = stand.join(&shared.id, BERTA).await;
        for (guest, shows) in [(&anna, true), (&berta, false)] {
            stand.guests.delete(&stand.owner, guest).await.expect("deletes");
            assert_eq!(stand.shows(&shared.share_url).await, shows, "{kind}");
        }
        assert_eq!(stand.list().await.total, 0);
        restore(&stand, anna.as_str()).await;
        assert!(stand.shows(&shared.share_url).await, "{kind}: Anna is in it again");
        let found = stand.captures.find(&stand.owner, &shared.id).await.expect("is found");
        assert_eq!((found.guests.len(), stand.list().await.items[0].guests), (1, 1), "{kind}");
        // At Anna's wish: what is left shows Berta alone, who is in the trash.
        stand.erase(ErasureTarget::Guest(anna)).await;
        assert!(!stand.shows(&shared.share_url).await, "{kind}");
        assert_eq!((stand.list().await.total, stand.objects().await), (0, OBJECTS));
        restore(&stand, berta.as_str()).await;
        assert!(stand.shows(&shared.share_url).await && stand.list().await.total == 1, "{kind}");
        stand.erase(ErasureTarget::Guest(berta)).await;
        assert_eq!((stand.list().await.total, stand.objects().await), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_does_not_wait_for_the_trash() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let (own, asked) = (stand.capture(Some(ANNA)).await, stand.capture(Some(BERTA)).await);
        let berta = stand.guest_of(&asked.id).await.id;
        // By the guest's own link.
        let link = stand.owner_link(&own.id).await;
        let erased = stand.privacy.erase_by_owner(token(&link), Client::default()).await;
        assert!(erased.expect("no failure").expect("is erased").receipt.is_some());
        assert!(lying(&stand).await.is_empty(), "{kind}: not in the trash");
        // By whoever the guest asked, though somebody had put them into the trash before.
        stand.guests.delete(&stand.owner, &berta).await.expect("deletes");
        let key = guests::key(&stand.organisation, berta.as_str());
        assert!(stand.deps.keystore.get(&key).await.is_ok(), "{kind}: readable until then");
        let view = stand.erase(ErasureTarget::Guest(berta.clone())).await;
        assert_eq!(view.receipt.expect("signed").facts.destroyed[0], ("captures".into(), 1), "{kind}");
        assert!(stand.deps.keystore.get(&key).await.is_err() && lying(&stand).await.is_empty());
        assert_eq!(stand.objects().await, 0);
        assert!(!stand.test.dump().await.to_lowercase().contains("canary"));
        let target = TrashTarget::Guest(berta);
        assert_eq!(code(stand.trash.restore(&stand.owner, &target).await), Code::NotFound);
        // An event whose keys are destroyed cannot come back, though its rows are still going.
        stand.events.delete(&stand.owner, &stand.event).await.expect("deletes");
        stand.erase(ErasureTarget::Event(stand.event.clone())).await;
        let target = TrashTarget::Event(stand.event.clone());
        assert_eq!(code(stand.trash.restore(&stand.owner, &target).await), Code::NotFound, "{kind}");
        assert!(lying(&stand).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_event_serves_nothing_and_comes_back_whole() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let (kept, gone) = (stand.capture(Some(ANNA)).await, stand.capture(None).await);
        stand.captures.delete(&stand.owner, &stand.event, std::slice::from_ref(&gone.id)).await.expect("deletes");
        let link = stand.owner_link(&kept.id).await;
        let media = picture(&stand, &link).await;
        let device = DeviceDraft { name: "Booth 2".into() };
        let device = stand.events.create_device(&stand.owner, &stand.event, device).await.expect("made").secret;
        assert!(stand.accounts.bearer(device.expose()).await.expect("is read").is_some());
        let anna = stand.guest_of(&kept.id).await.id;

        stand.events.delete(&stand.owner, &stand.event).await.expect("deletes");
        assert!(!stand.shows(&link).await && !stand.shows(&kept.share_url).await && !opens(&stand, &media).await);
        assert!(stand.accounts.bearer(device.expose()).await.expect("is read").is_none(), "{kind}: no upload");
        assert_eq!(code(stand.accept(crate::ingest::fixture::upload()).await), Code::NotFound, "{kind}");
        assert_eq!(code(stand.guests.find(&stand.owner, &anna).await), Code::NotFound);
        assert!(stand.events.list(&stand.owner).await.expect("lists").is_empty() && messages(&stand).await == 0);
        let overview = stand.events.overview(&stand.owner).await.expect("reads");
        assert_eq!((overview.today.captures, overview.waiting_messages), (0, 0), "{kind}");
        let items = lying(&stand).await;
        assert_eq!(items.iter().map(|item| item.object.as_str()).collect::<Vec<_>>(), [stand.event.as_str()]);
        let Trashed::Event { name, captures, .. } = &items[0].what else { panic!("an event") };
        assert_eq!((name.as_str(), *captures), ("Summer party", 1));

        restore(&stand, stand.event.as_str()).await;
        restore(&stand, stand.event.as_str()).await;
        assert!(stand.shows(&link).await && stand.shows(&kept.share_url).await && opens(&stand, &media).await);
        assert!(stand.accounts.bearer(device.expose()).await.expect("is read").is_some(), "{kind}");
        assert_eq!((stand.list().await.total, messages(&stand).await), (1, 1));
        assert_eq!(stand.test.count("audit_entries", "action = 'events.restore'").await, 1);
        // What was in the trash of the event is there still, and comes back by itself.
        assert_eq!(lying(&stand).await[0].object, gone.id.as_str());
        restore(&stand, gone.id.as_str()).await;
        assert!(stand.shows(&gone.share_url).await && stand.list().await.total == 2);
        assert_eq!(stand.test.count("audit_entries", "action = 'captures.restore'").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_is_out_and_comes_back_with_the_same_role() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let (edda, otto) = (
            stand.member("edda@host.example", Role::Editor).await,
            stand.member("otto@host.example", Role::Owner).await,
        );
        let admin = stand.member("ada@host.example", Role::Admin).await;
        for member in [&edda, &otto] {
            stand.directory.remove_member(&stand.owner, &user_of(member)).await.expect("removes");
        }
        let sessions = format!("user_id = '{}'", user_of(&edda));
        assert_eq!(stand.test.count("identity_sessions", &sessions).await, 0, "{kind}: out at once");
        assert_eq!(stand.directory.people(&stand.owner).await.expect("lists").members.len(), 2);
        let items = page(&stand, &admin, Some(TrashKind::Member), None).await.items;
        let may: Vec<_> = items.iter().map(|item| (item.object.as_str(), item.may_restore)).collect();
        let (edda, otto) = (user_of(&edda), user_of(&otto));
        assert!(may.contains(&(edda.as_str(), true)) && may.contains(&(otto.as_str(), false)), "{kind}: {may:?}");

        let owner_again = TrashTarget::Member(otto.clone());
        assert_eq!(code(stand.trash.restore(&admin, &owner_again).await), Code::RoleTooHigh, "{kind}");
        assert_eq!(code(stand.trash.erase_member(&admin, &otto).await), Code::RoleTooHigh);
        stand.trash.restore(&admin, &TrashTarget::Member(edda.clone())).await.expect("restores");
        stand.trash.restore(&stand.owner, &owner_again).await.expect("restores");
        let people = stand.directory.people(&stand.owner).await.expect("lists").members;
        let role = |user: &UserId| people.iter().find(|member| member.user == *user).map(|member| member.role);
        assert_eq!((role(&edda), role(&otto)), (Some(Role::Editor), Some(Role::Owner)), "{kind}");
        // Whoever has a place is not given another one, whatever lies in the trash.
        stand.directory.change_role(&stand.owner, &edda, Role::Viewer).await.expect("changes");
        stand.trash.restore(&stand.owner, &TrashTarget::Member(edda.clone())).await.expect("nothing more");
        let people = stand.directory.people(&stand.owner).await.expect("lists").members;
        assert!(people.iter().any(|member| member.user == edda && member.role == Role::Viewer), "{kind}");
        assert_eq!(stand.test.count("audit_entries", "action = 'identity.restore_member'").await, 2);

        stand.directory.remove_member(&stand.owner, &edda).await.expect("removes");
        // Whoever was asked too long ago is asked again.
        let late = admin.clone().confirmed(Millis(0));
        let back = stand.trash.restore(&late, &TrashTarget::Member(edda.clone())).await;
        assert_eq!(code(back), Code::ConfirmNeeded, "{kind}");
        assert_eq!(code(stand.trash.erase_member(&late, &edda).await), Code::ConfirmNeeded, "{kind}");
        stand.trash.erase_member(&admin, &edda).await.expect("erases");
        assert_eq!(stand.test.count("identity_users", &format!("id = '{edda}'")).await, 0, "{kind}: belongs nowhere");
        assert!(stand.deps.keystore.get(&KeyRef::user(&edda)).await.is_err());
        assert_eq!(code(stand.trash.erase_member(&admin, &edda).await), Code::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lies_in_the_trash_of_another_organisation_keeps_the_account() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let bodo = user_of(&stand.member("bodo@host.example", Role::Viewer).await);
        stand.neighbour().await;
        let there = format!(
            "INSERT INTO identity_removed_members (organisation_id, user_id, role, created_at, deleted_at)
             SELECT id, '{bodo}', 'viewer', 0, {} FROM identity_organisations WHERE name = 'Neighbour'",
            stand.deps.world.now().0
        );
        stand.test.execute(&there).await;
        stand.directory.remove_member(&stand.owner, &bodo).await.expect("removes");
        stand.trash.erase_member(&stand.owner, &bodo).await.expect("erases");
        let left = format!("user_id = '{bodo}'");
        assert_eq!(stand.test.count("identity_removed_members", &left).await, 1, "{kind}: there alone");
        assert_eq!(stand.test.count("identity_users", &format!("id = '{bodo}'")).await, 1, "{kind}");
        assert!(stand.deps.keystore.get(&KeyRef::user(&bodo)).await.is_ok(), "{kind}: and can be read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_thirty_days_everything_is_gone_for_good_whoever_sweeps() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let other = stand.events.create(&stand.owner, draft()).await.expect("made");
        let (of_guest, alone) = (stand.capture(Some(ANNA)).await, stand.capture(None).await);
        let kept = stand.capture(Some(BERTA)).await;
        let anna = stand.guest_of(&of_guest.id).await.id;
        let (edda, both) = (
            stand.member("edda@host.example", Role::Editor).await,
            stand.member("bodo@host.example", Role::Viewer).await,
        );
        stand.neighbour().await;
        let (edda, both) = (user_of(&edda), user_of(&both));
        let second = format!(
            "INSERT INTO identity_memberships (organisation_id, user_id, role, created_at)
             SELECT id, '{both}', 'viewer', 0 FROM identity_organisations WHERE name = 'Neighbour'"
        );
        stand.test.execute(&second).await;
        stand.guests.delete(&stand.owner, &anna).await.expect("deletes");
        stand.captures.delete(&stand.owner, &stand.event, std::slice::from_ref(&alone.id)).await.expect("deletes");
        stand.events.delete(&stand.owner, &other).await.expect("deletes");
        for user in [&edda, &both] {
            stand.directory.remove_member(&stand.owner, user).await.expect("removes");
        }
        let keys = [
            guests::key(&stand.organisation, anna.as_str()),
            captures::key(&stand.organisation, of_guest.id.as_str()),
            captures::key(&stand.organisation, alone.id.as_str()),
            KeyRef::user(&edda),
        ];
        stand.wait_days(30);
        assert_eq!(swept(&stand).await, Swept::default(), "{kind}: not a moment early");
        assert_eq!(lying(&stand).await.len(), 5, "{kind}");
        stand.test.clock.advance(1);
        // Between its end and the sweep nothing can be seen or restored any more.
        assert!(lying(&stand).await.is_empty(), "{kind}");
        let owner = stand.owner.clone().confirmed(stand.deps.world.now());
        for target in [
            TrashTarget::Guest(anna.clone()),
            TrashTarget::Capture(alone.id.clone()),
            TrashTarget::Event(other.clone()),
            TrashTarget::Member(edda.clone()),
        ] {
            assert_eq!(code(stand.trash.restore(&owner, &target).await), Code::NotFound, "{kind}: {target:?}");
        }
        let restored = stand.captures.restore(&stand.owner, &stand.event, std::slice::from_ref(&alone.id)).await;
        assert_eq!(restored, Ok(0), "{kind}: nor from the grid");
        assert!(stand.deps.keystore.get(&keys[0]).await.is_ok(), "{kind}: the control");

        let (one, two) = tokio::join!(swept(&stand), swept(&stand));
        let sum = |of: fn(&Swept) -> i64| of(&one) + of(&two);
        assert_eq!(
            (sum(|s| s.captures), sum(|s| s.guests), sum(|s| s.events), sum(|s| s.members)),
            (2, 1, 1, 2),
            "{kind}: each once"
        );
        for key in &keys {
            assert!(stand.deps.keystore.get(key).await.is_err(), "{kind}: {key:?}");
        }
        assert_eq!((stand.list().await.total, stand.objects().await), (1, OBJECTS), "{kind}");
        assert!(stand.shows(&kept.share_url).await);
        assert!(!stand.test.dump().await.contains("anna@canary"));
        for (table, id) in [("guests", anna.as_str()), ("events", other.as_str()), ("identity_users", edda.as_str())] {
            assert_eq!(stand.test.count(table, &format!("id = '{id}'")).await, 0, "{kind}: {table}");
        }
        assert_eq!(stand.test.count("identity_removed_members", "1 = 1").await, 0);
        let survivor = format!("id = '{both}'");
        assert_eq!(stand.test.count("identity_users", &survivor).await, 1, "{kind}: belongs somewhere else");
        let entries = "action = 'privacy.retention' AND actor_kind = 'system'";
        assert_eq!(stand.test.count("audit_entries", entries).await, 5, "{kind}");
        assert_eq!(swept(&stand).await, Swept::default(), "{kind}: done is done");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trash_of_others_is_not_there_and_editors_do_not_see_it() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let accepted = stand.capture(Some(ANNA)).await;
        let anna: GuestId = stand.guest_of(&accepted.id).await.id;
        let edda = stand.member("edda@host.example", Role::Editor).await;
        let vera = user_of(&stand.member("vera@host.example", Role::Viewer).await);
        stand.directory.remove_member(&stand.owner, &vera).await.expect("removes");
        stand.guests.delete(&edda, &anna).await.expect("an editor deletes");
        let neighbour = stand.neighbour().await;
        assert_eq!(code(stand.guests.delete(&neighbour, &anna).await), Code::NotFound, "{kind}");
        assert!(page(&stand, &neighbour, None, None).await.items.is_empty());
        let before = stand.test.dump().await;
        for target in [
            TrashTarget::Guest(anna.clone()),
            TrashTarget::Capture(accepted.id.clone()),
            TrashTarget::Event(stand.event.clone()),
            TrashTarget::Member(vera.clone()),
        ] {
            assert_eq!(code(stand.trash.restore(&neighbour, &target).await), Code::NotFound, "{kind}: {target:?}");
            assert_eq!(code(stand.trash.restore(&edda, &target).await), Code::Forbidden, "{kind}: {target:?}");
        }
        assert_eq!(code(stand.trash.erase_member(&neighbour, &vera).await), Code::NotFound);
        assert_eq!(code(stand.trash.erase_member(&edda, &vera).await), Code::Forbidden);
        assert_eq!(code(stand.trash.list(&edda, None, None).await), Code::Forbidden);
        assert!(stand.test.dump().await == before, "{kind}: nothing changed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_trash_follow_each_other_and_fit_nowhere_else() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let mut made = Vec::new();
        for _ in 0..52 {
            let event = stand.events.create(&stand.owner, draft()).await.expect("made");
            stand.events.delete(&stand.owner, &event).await.expect("deletes");
            made.push(event.into_string());
            stand.test.clock.advance(1);
        }
        let picture = stand.capture(None).await.id;
        stand.captures.delete(&stand.owner, &stand.event, std::slice::from_ref(&picture)).await.expect("deletes");
        let first = page(&stand, &stand.owner, None, None).await;
        assert_eq!((first.items.len(), first.items[0].object.as_str()), (50, picture.as_str()), "{kind}");
        let second = page(&stand, &stand.owner, None, first.next.clone()).await;
        assert_eq!((second.items.len(), second.next.clone()), (3, None), "{kind}");
        let mut seen: Vec<_> = first.items.into_iter().chain(second.items).map(|item| item.object).skip(1).collect();
        seen.reverse();
        assert_eq!(seen, made, "{kind}: each once, newest first");
        let events = page(&stand, &stand.owner, Some(TrashKind::Event), None).await;
        assert!(events.items.len() == 50 && events.next.is_some());
        let neighbour = stand.neighbour().await;
        for (actor, kind, cursor) in [
            (&neighbour, None, first.next.clone()),
            (&stand.owner, None, events.next),
            (&stand.owner, Some(TrashKind::Event), first.next),
            (&stand.owner, None, Some("nonsense".to_owned())),
        ] {
            assert_eq!(code(stand.trash.list(actor, kind, cursor).await), Code::BadCursor);
        }
        // Read by the index: a picture that lies there is shown, and opens in the CMS.
        let thumb = RenditionFile { name: RenditionName::Thumb, ..WEB };
        let file = stand.captures.media(&stand.owner, &picture, thumb).await.expect("is there");
        assert!(!file.content.read(Asked::All).await.expect("is read").bytes.is_empty());
    }
}
