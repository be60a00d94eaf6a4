//! Reading the audit trail, of which identity makes the first entries.

use shutterpost_model::access::Role;
use shutterpost_model::audit::{Audit, AuditFilter};
use shutterpost_model::error::Code;
use shutterpost_model::identity::{Accounts, Directory};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::tokens::Scopes;

use super::tokens::draft;
use super::{OWNER, PASSWORD, fixtures};
use crate::audit::AuditService;
use crate::audit::record::{Doer, Entry, record};
use crate::db::write_tx;
use crate::identity::PasswordPolicy;
use crate::identity::admin;

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_entry_once_and_names_of_members() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        host.neighbour("Neighbour", "nina@neighbour.example").await;
        for _ in 0..60 {
            host.test.clock.advance(1);
            host.directory.create_token(&owner, draft(Scopes::reading())).await.expect("made");
        }
        let audit = AuditService::new(host.deps.clone());
        let first = audit.list(&owner, AuditFilter::default(), None).await.expect("a page");
        assert_eq!(first.items.len(), 50);
        assert!(first.items.iter().all(|entry| entry.action == "identity.create_token"
            && entry.actor_name.as_deref() == Some("Olga Owner")
            && entry.actor_kind == "user"));
        assert!(first.items.is_sorted_by(|newer, older| newer.id > older.id));
        let second = audit.list(&owner, AuditFilter::default(), first.next.clone()).await.expect("a page");
        // Ten tokens and the making of the owner; nothing of the neighbour, nothing twice.
        assert_eq!((second.items.len(), second.next), (11, None));
        assert!(second.items.iter().all(|entry| first.items.iter().all(|other| other.id != entry.id)));

        let filter = AuditFilter { feature: Some("identity".into()), object: second.items[0].object.clone() };
        let one = audit.list(&owner, filter.clone(), None).await.expect("a page");
        assert_eq!(one.items.len(), 1);
        let none = AuditFilter { feature: Some("ident".into()), object: None };
        assert!(audit.list(&owner, none, None).await.expect("a page").items.is_empty());

        let error = host.refused(audit.list(&owner, filter, first.next.clone())).await;
        assert_eq!(error.code, Code::BadCursor, "of another filter");
        let nina = host.actor("nina@neighbour.example").await;
        let error = host.refused(audit.list(&nina, AuditFilter::default(), first.next)).await;
        assert_eq!(error.code, Code::BadCursor, "of another organisation");
        let error = host.refused(audit.list(&owner, AuditFilter::default(), Some("made up".into()))).await;
        assert_eq!(error.code, Code::BadCursor);
        let filter = AuditFilter { feature: Some("%".into()), object: None };
        assert_eq!(host.refused(audit.list(&owner, filter, None)).await.of("feature"), Some(Code::BadChoice));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_did_is_told_by_its_name() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let issued = host.directory.create_token(&owner, draft(Scopes::reading())).await.expect("made");
        let token = host.accounts.bearer(issued.secret.expose()).await.expect("read").expect("good");
        let (world, organisation) = (host.deps.world.clone(), host.organisation.clone());
        write_tx!(host.deps.db, tx => {
            let entry = Entry::new("captures.create").object("cap_one");
            record(tx, &world, Some(&organisation), &Doer::from(&token), entry).await
        })
        .expect("written");
        let filter = AuditFilter { feature: Some("captures".into()), object: None };
        let found = AuditService::new(host.deps.clone()).list(&owner, filter, None).await.expect("a page").items;
        let [entry] = &found[..] else { panic!("{}: {found:?}", host.test.kind) };
        assert_eq!((entry.actor_kind.as_str(), entry.actor_name.as_deref()), ("token", Some("CRM")));
        assert_eq!(entry.actor_id.as_deref(), Some(issued.item.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_for_admins() {
    for host in fixtures().await {
        host.member("edda@host.example", Role::Editor).await;
        let editor = host.actor("edda@host.example").await;
        let audit = AuditService::new(host.deps.clone());
        let error = host.refused(audit.list(&editor, AuditFilter::default(), None)).await;
        assert_eq!(error.code, Code::Forbidden);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn making_the_same_owner_twice_changes_nothing() {
    for host in fixtures().await {
        let before = host.test.dump().await;
        let (organisation, owner) = admin::create_owner(
            &host.deps,
            PasswordPolicy::FLOOR,
            " Host ",
            Pii::new("Somebody".into()),
            Pii::new(" OLGA@host.example".into()),
            Secret::new("another password that is long".into()),
        )
        .await
        .expect("made");
        assert_eq!((organisation, owner), (host.organisation.clone(), host.owner.clone()));
        assert_eq!(host.test.dump().await, before);
        host.sign_in(OWNER, PASSWORD).await.expect("the password is still the old one");
        let found = admin::find_organisation_by_name(&host.deps, "Host").await.expect("read");
        assert_eq!(found.as_ref(), Some(&host.organisation));
        let user = admin::find_user_by_email(&host.deps, &Pii::new(OWNER.into())).await.expect("read");
        assert_eq!(user.as_ref(), Some(&host.owner));
    }
}
