//! Device secrets, and secrets that nobody made.

use shutterpost_model::access::{Credential, Permission};
use shutterpost_model::id::{DeviceId, EventId};
use shutterpost_model::identity::{Accounts, Directory};
use shutterpost_model::tokens::Scopes;

use super::tokens::draft;
use super::{Fixture, OWNER, fixtures};
use crate::identity::bearer;

#[tokio::test(flavor = "multi_thread")]
async fn made_up_secrets_open_nothing() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let issued = host.directory.create_token(&owner, draft(Scopes::reading())).await.expect("made");
        let secret = issued.secret.expose();
        let unknown = bearer::fresh(&host.deps.world, &host.deps.keys, bearer::TOKEN);
        let foreign = bearer::fresh(&host.deps.world, &host.deps.keys, "spx_");
        let device = secret.replace("spt_", "spd_");
        for made_up in
            ["", "spt_", &secret[..secret.len() - 1], unknown.secret.expose(), foreign.secret.expose(), &device]
        {
            assert_eq!(host.accounts.bearer(made_up).await, Ok(None), "{made_up}");
        }
    }
}

/// Writes an event and a device by hand: their own doors are in a higher room.
async fn device(host: &Fixture) -> (String, DeviceId, EventId) {
    let (world, keys) = (&host.deps.world, &host.deps.keys);
    let (event, device) = (world.id(EventId::new), world.id(DeviceId::new));
    let fresh = bearer::fresh(world, keys, bearer::DEVICE);
    let hash = data_encoding::HEXLOWER.encode(&fresh.hash);
    let hash = if host.deps.db.is_sqlite() { format!("x'{hash}'") } else { format!("'\\x{hash}'") };
    let organisation = &host.organisation;
    host.test
        .execute(&format!(
            "INSERT INTO events (id, organisation_id, name, starts_on, ends_on, time_zone, retention_days, kept_until, \
             branding, version, created_at) VALUES ('{event}', '{organisation}', 'Gala', '2027-01-01', '2027-01-02', \
             'Europe/Berlin', 30, '2027-02-01', '{{}}', 1, 0); \
             INSERT INTO events_devices (id, organisation_id, event_id, name, secret_hash, hint, captures, created_at) \
             VALUES ('{device}', '{organisation}', '{event}', '', {hash}, '{}', 0, 0)",
            fresh.hint
        ))
        .await;
    (fresh.secret.expose().to_owned(), device, event)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_uploads_into_its_event_and_nothing_else() {
    for host in fixtures().await {
        let (secret, device, event) = device(&host).await;
        let actor = host.accounts.bearer(&secret).await.expect("read").expect("known");
        assert_eq!(actor.credential(), &Credential::Device { device, event: event.clone() });
        assert_eq!(actor.organisation(), Some(&host.organisation));
        assert!(actor.may_upload_to(&event));
        assert!(!actor.may_upload_to(&host.deps.world.id(EventId::new)));
        assert!(Permission::ALL.into_iter().all(|permission| !actor.may(permission)));
        assert_eq!(host.test.count("events_devices", "last_seen_at IS NOT NULL").await, 1);

        host.test.execute("UPDATE events SET deleted_at = 1").await;
        assert_eq!(host.accounts.bearer(&secret).await, Ok(None), "its event is deleted");
        host.test.execute("UPDATE events SET deleted_at = NULL").await;
        host.test.execute("UPDATE events_devices SET revoked_at = 1").await;
        assert_eq!(host.accounts.bearer(&secret).await, Ok(None), "revoked");
    }
}
