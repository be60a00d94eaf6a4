//! API tokens: scopes, ends, renewals, and who answers for them.

use shutterpost_model::access::{Actor, Credential, Permission, Role};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::TokenId;
use shutterpost_model::identity::{Accounts, Directory, Issued};
use shutterpost_model::privacy::trash::{Trash, TrashTarget};
use shutterpost_model::time::{DAY, Millis};
use shutterpost_model::tokens::{
    EXPIRED_SHOWN, Lifetime, OVERLAP, Reach, Replaced, SOON, Scopes, Token, TokenDraft, TokenRenewal, TokenScope,
    TokenState,
};

use super::{Fixture, OWNER, fixtures};
use crate::context::Clock;
use crate::identity::bearer;
use crate::jobs::Permit;
use crate::privacy::TrashService;

const MINUTE: i64 = 60_000;
const ADMIN: &str = "ada@host.example";

pub(super) fn draft(scopes: Scopes) -> TokenDraft {
    TokenDraft { name: " CRM ".into(), scopes, lifetime: Lifetime::Days(30) }
}

fn only(scope: TokenScope) -> Scopes {
    [scope].into_iter().collect()
}

fn everything() -> Scopes {
    Scopes::of_role(Role::Admin)
}

const fn renewal(replaced: Replaced) -> TokenRenewal {
    TokenRenewal { lifetime: Lifetime::Days(90), replaced }
}

impl Fixture {
    fn now(&self) -> Millis {
        self.test.clock.now()
    }

    async fn make(&self, actor: &Actor, scopes: Scopes) -> Issued<TokenId> {
        self.once(self.directory.create_token(actor, draft(scopes))).await
    }

    async fn shown(&self, secret: &str) -> Option<Actor> {
        self.accounts.bearer(secret).await.expect("secrets are read")
    }

    async fn listed(&self, actor: &Actor, id: &TokenId) -> Option<Token> {
        let tokens = self.directory.tokens(actor).await.expect("tokens");
        tokens.into_iter().find(|token| token.id == *id)
    }

    /// A token as a version without scopes wrote it; its secret.
    async fn old_token(&self, role: Role) -> (String, TokenId) {
        let owner = self.actor(OWNER).await;
        let made = self.directory.create_token(&owner, draft(Scopes::reading())).await.expect("made");
        self.test
            .execute(&format!(
                "UPDATE identity_tokens SET role = '{}', scopes = NULL, cap = NULL, expires_at = NULL WHERE id = '{}'",
                role.as_str(),
                made.item
            ))
            .await;
        (made.secret.expose().to_owned(), made.item)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_what_its_scopes_say_until_revoked() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let issued = host.make(&owner, only(TokenScope::CapturesRead)).await;
        let secret = issued.secret.expose();
        assert!(secret.starts_with("spt_"));
        assert!(!host.test.dump().await.contains(secret), "only a hash is stored");

        let ends = host.now().plus(30 * DAY);
        let actor = host.shown(secret).await.expect("known");
        let reach = Reach::Scopes(only(TokenScope::CapturesRead));
        assert_eq!(actor.credential(), &Credential::Token { token: issued.item.clone(), reach, ends_at: Some(ends) });
        assert_eq!((actor.organisation(), actor.role()), (Some(&host.organisation), Some(Role::Admin)));
        assert_eq!(actor.user(), None);
        for permission in Permission::ALL {
            assert_eq!(actor.may(permission), permission == Permission::CaptureRead, "{permission:?}");
        }
        assert_eq!(host.refused(host.accounts.me(&actor)).await.code, Code::Forbidden, "a token has no account");

        let token = host.listed(&owner, &issued.item).await.expect("listed");
        assert_eq!(token.hint, format!("spt_…{}", &secret[secret.len() - 4..]));
        assert_eq!((token.name.as_str(), token.scopes), ("CRM", Some(only(TokenScope::CapturesRead))));
        assert_eq!((token.expires_at, token.state), (Some(ends), TokenState::Active));
        assert_eq!(token.made_by.expect("a maker").get(), "Olga Owner");
        assert!(token.last_used_at.is_some());
        let before = host.test.dump().await;
        host.test.clock.advance(MINUTE - 1);
        host.shown(secret).await.expect("known");
        assert_eq!(host.test.dump().await, before, "noted at most once a minute");

        host.once(host.directory.revoke_token(&owner, &issued.item)).await;
        assert_eq!(host.shown(secret).await, None);
        assert!(host.directory.tokens(&owner).await.expect("tokens").is_empty());
        for error in [
            host.refused(host.directory.revoke_token(&owner, &issued.item)).await,
            host.refused(host.directory.renew_token(&owner, &issued.item, renewal(Replaced::EndsNow))).await,
            host.refused(host.directory.end_previous_secret(&owner, &issued.item)).await,
        ] {
            assert_eq!(error.code, Code::NotFound);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_field_by_field() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let wrong = |name: &str, scopes, lifetime| TokenDraft { name: name.into(), scopes, lifetime };
        let today = host.now().date();
        for (draft, field, code) in [
            (wrong("", everything(), Lifetime::Days(7)), "name", Code::Required),
            (wrong("CRM", Scopes::default(), Lifetime::Days(7)), "scope", Code::Required),
            (wrong("CRM", everything(), Lifetime::Days(366)), "expires", Code::BadChoice),
            (wrong("CRM", everything(), Lifetime::Until(today.plus_days(-1))), "until", Code::OutOfRange),
            (wrong("CRM", everything(), Lifetime::Until(today.plus_days(366))), "until", Code::OutOfRange),
        ] {
            let error = host.refused(host.directory.create_token(&owner, draft)).await;
            assert_eq!(error.of(field), Some(code));
        }
        let token = host.make(&owner, everything()).await.item;
        let late = TokenRenewal { lifetime: Lifetime::Days(0), replaced: Replaced::EndsNow };
        let error = host.refused(host.directory.renew_token(&owner, &token, late)).await;
        assert_eq!(error.of("expires"), Some(Code::BadChoice));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_ends_to_the_millisecond() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let issued = host.make(&owner, everything()).await;
        let made = host.now();
        for (after, works, state) in [
            (30 * DAY - SOON - 1, true, TokenState::Active),
            (30 * DAY - SOON, true, TokenState::ExpiresSoon),
            (30 * DAY - 1, true, TokenState::ExpiresSoon),
            (30 * DAY, false, TokenState::Expired),
            (30 * DAY + 1, false, TokenState::Expired),
        ] {
            host.test.clock.set(made.plus(after));
            let owner = host.actor(OWNER).await;
            assert_eq!(host.shown(issued.secret.expose()).await.is_some(), works, "after {after} ms");
            let token = host.listed(&owner, &issued.item).await.expect("listed");
            assert_eq!(token.state, state, "after {after} ms");
        }
        let until = TokenDraft { lifetime: Lifetime::Until(host.now().date()), ..draft(everything()) };
        let issued = host.directory.create_token(&host.actor(OWNER).await, until).await.expect("made");
        let midnight = Millis((host.now().date().days() + 1) * DAY);
        host.test.clock.set(midnight.plus(-1));
        assert!(host.shown(issued.secret.expose()).await.is_some());
        host.test.clock.set(midnight);
        assert_eq!(host.shown(issued.secret.expose()).await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_token_goes_on_and_its_old_secret_ends_within_a_day() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let first = host.make(&owner, Scopes::reading()).await;
        host.shown(first.secret.expose()).await.expect("known");
        host.test.clock.advance(MINUTE);
        let second = host.directory.renew_token(&owner, &first.item, renewal(Replaced::Overlaps));
        let second = host.once(second).await;
        assert_eq!(second.item, first.item, "the token stays the same one");
        let renewed = host.now();
        let token = host.listed(&owner, &first.item).await.expect("listed");
        assert_eq!((token.scopes, token.last_used_at), (Some(Scopes::reading()), None));
        assert_eq!(token.expires_at, Some(renewed.plus(90 * DAY)));
        let previous = token.previous.expect("the old secret");
        assert_eq!((previous.until, previous.last_used_at), (renewed.plus(OVERLAP), Some(renewed.plus(-MINUTE))));

        let old = host.shown(first.secret.expose()).await.expect("still works");
        assert_eq!(host.directory.own_token(&old).await.expect("told").expires_at, Some(renewed.plus(OVERLAP)));
        let new = host.shown(second.secret.expose()).await.expect("works");
        assert_eq!(host.directory.own_token(&new).await.expect("told").expires_at, Some(renewed.plus(90 * DAY)));
        let token = host.listed(&owner, &first.item).await.expect("listed");
        assert_eq!(token.previous.expect("the old secret").last_used_at, Some(renewed), "each notes its own use");
        assert_eq!(token.last_used_at, Some(renewed));

        host.test.clock.set(renewed.plus(OVERLAP - 1));
        assert!(host.shown(first.secret.expose()).await.is_some());
        host.test.clock.set(renewed.plus(OVERLAP));
        assert_eq!(host.shown(first.secret.expose()).await, None);
        assert!(host.shown(second.secret.expose()).await.is_some());
        let owner = host.actor(OWNER).await;
        assert_eq!(host.listed(&owner, &first.item).await.expect("listed").previous, None);
        let error = host.refused(host.directory.end_previous_secret(&owner, &first.item)).await;
        assert_eq!(error.code, Code::NotFound, "it has ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_secret_ends_at_once_when_asked_and_never_outlives_its_own_end() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let (directory, id) = (&host.directory, host.make(&owner, Scopes::reading()).await);
        let second = directory.renew_token(&owner, &id.item, renewal(Replaced::EndsNow)).await.expect("renewed");
        assert_eq!(host.shown(id.secret.expose()).await, None, "at once");

        let third = directory.renew_token(&owner, &id.item, renewal(Replaced::Overlaps)).await.expect("renewed");
        assert!(host.shown(second.secret.expose()).await.is_some());
        host.once(directory.end_previous_secret(&owner, &id.item)).await;
        assert_eq!(host.shown(second.secret.expose()).await, None, "by the button");

        // One secret overlaps, not two.
        let fourth = directory.renew_token(&owner, &id.item, renewal(Replaced::Overlaps)).await.expect("renewed");
        directory.renew_token(&owner, &id.item, renewal(Replaced::Overlaps)).await.expect("renewed");
        assert_eq!(host.shown(third.secret.expose()).await, None);
        assert!(host.shown(fourth.secret.expose()).await.is_some());

        let short = host.make(&owner, Scopes::reading()).await;
        host.test.clock.advance(30 * DAY - MINUTE);
        let owner = host.actor(OWNER).await;
        directory.renew_token(&owner, &short.item, renewal(Replaced::Overlaps)).await.expect("renewed");
        host.test.clock.advance(MINUTE - 1);
        assert!(host.shown(short.secret.expose()).await.is_some());
        host.test.clock.advance(1);
        assert_eq!(host.shown(short.secret.expose()).await, None, "its own end comes first");

        let ended = host.make(&host.actor(OWNER).await, Scopes::reading()).await;
        host.test.clock.advance(30 * DAY);
        let owner = host.actor(OWNER).await;
        let again = directory.renew_token(&owner, &ended.item, renewal(Replaced::Overlaps)).await.expect("renewed");
        assert_eq!(host.shown(ended.secret.expose()).await, None, "what has ended does not come back");
        assert!(host.shown(again.secret.expose()).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_never_does_more_than_who_made_it() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let user = host.member(ADMIN, Role::Admin).await;
        let admin = host.actor(ADMIN).await;
        let issued = host.make(&admin, everything()).await;
        let secret = issued.secret.expose();
        for (role, scopes) in [
            (Role::Editor, Scopes::of_role(Role::Editor)),
            (Role::Viewer, Scopes::reading()),
            (Role::Reporter, Scopes::default()),
            (Role::Admin, everything()),
            // Ownership came after the token.
            (Role::Owner, everything()),
        ] {
            host.directory.change_role(&owner, &user, role).await.expect("changed");
            let actor = host.shown(secret).await.expect("known");
            assert_eq!(actor.role(), Some(role.lesser(Role::Admin)));
            assert_eq!(host.directory.own_token(&actor).await.expect("told").scopes, scopes, "{role:?}");
            assert_eq!(host.listed(&owner, &issued.item).await.expect("listed").effective(), scopes, "{role:?}");
            for permission in Permission::ALL {
                assert_eq!(actor.may(permission), role.grants(permission) && everything().grants(permission));
            }
        }

        host.once(host.directory.remove_member(&owner, &user)).await;
        assert_eq!(host.shown(secret).await, None, "they may have kept a copy");
        assert_eq!(host.listed(&owner, &issued.item).await.expect("listed").state, TokenState::Stopped);
        let trash = TrashService::new(host.deps.clone());
        trash.restore(&owner, &TrashTarget::Member(user.clone())).await.expect("restored");
        assert!(host.shown(secret).await.is_some(), "back with the member");

        // Whoever renews it answers for it; the old secret stays with the old maker.
        let renewed = host.directory.renew_token(&owner, &issued.item, renewal(Replaced::Overlaps)).await;
        let renewed = renewed.expect("renewed");
        host.directory.remove_member(&owner, &user).await.expect("removed");
        assert_eq!(host.shown(secret).await, None);
        assert_eq!(host.shown(renewed.secret.expose()).await.expect("works").role(), Some(Role::Admin));
        let token = host.listed(&owner, &issued.item).await.expect("listed");
        assert_eq!((token.state, token.made_by.expect("a maker").get().as_str()), (TokenState::Active, "Olga Owner"));
        host.test.execute("UPDATE identity_users SET disabled_at = 1").await;
        assert_eq!(host.shown(renewed.secret.expose()).await, None, "a disabled maker");
        host.test.execute("UPDATE identity_users SET disabled_at = NULL").await;
        host.test.execute("UPDATE identity_tokens SET created_by = NULL").await;
        assert_eq!(host.shown(renewed.secret.expose()).await, None, "an erased maker");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_from_before_scopes_go_on_as_they_were() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let (secret, id) = host.old_token(Role::Editor).await;
        let user = host.owner.clone();
        host.member(ADMIN, Role::Owner).await;
        let other = host.actor(ADMIN).await;
        host.test.clock.advance(1000 * DAY);
        let actor = host.shown(&secret).await.expect("has no end");
        for permission in Permission::ALL {
            assert_eq!(actor.may(permission), Role::Editor.grants(permission), "{permission:?}");
        }
        let own = host.directory.own_token(&actor).await.expect("told");
        assert_eq!((own.scopes, own.expires_at), (Scopes::of_role(Role::Editor), None));

        let owner = owner.confirmed(host.deps.world.now());
        let token = host.listed(&owner, &id).await.expect("listed");
        assert_eq!((token.scopes, token.role, token.state), (None, Role::Editor, TokenState::Active));
        let error = host.refused(host.directory.renew_token(&owner, &id, renewal(Replaced::Overlaps))).await;
        assert_eq!(error.of("token"), Some(Code::BadChoice), "replaced, not renewed");
        assert_eq!(bearer::sweep(&host.deps.db, &host.deps.world, Permit::of_test()).await.expect("swept"), 0);

        // As before: it belongs to the organisation, not to whoever made it.
        let other = other.confirmed(host.deps.world.now());
        host.directory.remove_member(&other, &user).await.expect("removed");
        assert!(host.shown(&secret).await.is_some());
        host.once(host.directory.revoke_token(&other, &id)).await;
        assert_eq!(host.shown(&secret).await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_knows_no_scopes_reads_no_rights() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        host.make(&owner, everything()).await;
        let role = host.test.select("SELECT role AS line FROM identity_tokens").await;
        let roles: Vec<_> = role.iter().filter_map(|name| Role::from_name(name)).collect();
        assert_eq!(roles.len(), 1);
        assert!(Permission::ALL.into_iter().all(|permission| roles.iter().all(|role| !role.grants(permission))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_forgets_what_ended_and_the_trail_keeps_the_name() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let sweep = async || bearer::sweep(&host.deps.db, &host.deps.world, Permit::of_test()).await.expect("swept");
        let kept = host.make(&owner, Scopes::reading()).await;
        let gone = host.make(&owner, Scopes::reading()).await;
        let year = TokenRenewal { lifetime: Lifetime::Days(365), replaced: Replaced::Overlaps };
        host.directory.renew_token(&owner, &kept.item, year).await.expect("renewed");
        let made = host.now();
        host.test.clock.set(made.plus(OVERLAP - 1));
        assert_eq!(sweep().await, 0);
        host.test.clock.set(made.plus(OVERLAP));
        assert_eq!(sweep().await, 1, "the replaced secret");
        assert_eq!(host.test.count("identity_tokens", "previous_hash IS NOT NULL").await, 0);

        host.test.clock.set(made.plus(30 * DAY + EXPIRED_SHOWN - 1));
        assert_eq!(sweep().await, 0);
        let owner = host.actor(OWNER).await;
        assert_eq!(host.listed(&owner, &gone.item).await.expect("listed").state, TokenState::Expired);
        host.test.clock.set(made.plus(30 * DAY + EXPIRED_SHOWN));
        assert_eq!(host.listed(&owner, &gone.item).await, None, "not even before the sweep");
        assert_eq!((sweep().await, sweep().await), (1, 0));
        assert_eq!(host.test.count("identity_tokens", "revoked_at IS NULL").await, 1);
        assert_eq!(host.test.count("identity_tokens", "1 = 1").await, 2);
        let owner = host.actor(OWNER).await;
        assert!(host.listed(&owner, &kept.item).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_renewals_at_once_one_secret_is_the_tokens() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let token = host.make(&owner, Scopes::reading()).await.item;
        let renew = || host.directory.renew_token(&owner, &token, renewal(Replaced::EndsNow));
        let made: [Result<Issued<TokenId>, AppError>; 4] = tokio::join!(renew(), renew(), renew(), renew()).into();
        let mut work = 0;
        for renewed in made {
            match renewed {
                Ok(issued) => work += usize::from(host.shown(issued.secret.expose()).await.is_some()),
                Err(error) => assert!(matches!(error.code, Code::Conflict | Code::Busy), "{error:?}"),
            }
        }
        assert_eq!(work, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_revocation_nothing_is_let_in_whatever_was_under_way() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        for _ in 0..8 {
            let issued = host.make(&owner, Scopes::reading()).await;
            let secret = issued.secret.expose().to_owned();
            host.test.clock.advance(MINUTE);
            // Uses, each of which notes itself, a renewal and the revocation, all at once.
            let (_, _, renewed, revoked) = tokio::join!(
                host.accounts.bearer(&secret),
                host.accounts.bearer(&secret),
                host.directory.renew_token(&owner, &issued.item, renewal(Replaced::Overlaps)),
                host.directory.revoke_token(&owner, &issued.item),
            );
            revoked.expect("revoked");
            assert_eq!(host.shown(&secret).await, None);
            if let Ok(renewed) = renewed {
                assert_eq!(host.shown(renewed.secret.expose()).await, None, "{}", host.test.kind);
            }
            assert_eq!(host.listed(&owner, &issued.item).await, None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_token_learns_about_itself() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        assert_eq!(host.refused(host.directory.own_token(&owner)).await.code, Code::Forbidden);
        let issued = host.make(&owner, only(TokenScope::CapturesUpload)).await;
        let actor = host.shown(issued.secret.expose()).await.expect("known");
        let own = host.directory.own_token(&actor).await.expect("told");
        assert_eq!((own.id, own.name.as_str(), own.organisation), (issued.item, "CRM", host.organisation.clone()));
        let error = host.refused(host.directory.tokens(&actor)).await;
        assert_eq!(error.code, Code::Forbidden, "no scope makes tokens");
    }
}
