//! What must not work.

use shutterpost_model::access::{Actor, Role};
use shutterpost_model::connections::{
    Admission, Connections, Kind, NewConnection, OidcDraft, Provider, SamlShape, State, Verdict,
};
use shutterpost_model::error::Code;
use shutterpost_model::pii::Secret;
use shutterpost_model::time::DAY;

use super::super::ConnectionsService;
use super::super::providers::Providers;
use super::{SECRET, certificate, code, draft, field, fixtures, metadata, tenant};

#[tokio::test(flavor = "multi_thread")]
async fn another_organisations_connection_is_not_there() {
    for host in fixtures().await {
        let (_, other) = tenant(&host.deps, "Neighbour", "nina@neighbour.example").await;
        let oidc = host.oidc().await;
        let saml = host.saml(&[certificate(&host.deps, 90)]).await;
        let before = host.test.dump().await;
        for id in [&oidc, &saml] {
            let port = &host.connections;
            assert_eq!(code(port.find(&other, id).await), Code::NotFound);
            assert_eq!(code(port.enter_oidc(&other, id, draft("https://evil.example", "x")).await), Code::NotFound);
            let document = metadata("https://evil.example", &[certificate(&host.deps, 9)]);
            assert_eq!(code(port.enter_metadata(&other, id, document).await), Code::NotFound);
            assert_eq!(code(port.shape_saml(&other, id, SamlShape::default()).await), Code::NotFound);
            assert_eq!(code(port.add_certificate(&other, id, "x").await), Code::NotFound);
            assert_eq!(code(port.remove_certificate(&other, id, "x").await), Code::NotFound);
            assert_eq!(code(port.admit(&other, id, Admission::default()).await), Code::NotFound);
            assert_eq!(code(port.switch(&other, id, State::On).await), Code::NotFound);
            assert_eq!(code(port.delete(&other, id).await), Code::NotFound);
        }
        assert!(host.connections.list(&other).await.expect("listed").is_empty());
        assert_eq!(host.test.dump().await, before, "{}: nothing changed", host.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_alone_and_only_when_they_showed_who_they_are() {
    for host in fixtures().await {
        let id = host.oidc().await;
        let stale = Actor::proven(host.owner.credential().clone(), Some((host.organisation.clone(), Role::Owner)));
        let admin = Actor::proven(host.owner.credential().clone(), Some((host.organisation.clone(), Role::Admin)))
            .confirmed(host.deps.world.now());
        let before = host.test.dump().await;
        for (actor, wanted) in [(stale, Code::ConfirmNeeded), (admin, Code::Forbidden)] {
            let port = &host.connections;
            let new = NewConnection { kind: Kind::Oidc, provider: Provider::Other, name: "Mine".into() };
            assert_eq!(code(port.create(&actor, new).await), wanted);
            assert_eq!(code(port.enter_oidc(&actor, &id, draft("https://evil.example", "x")).await), wanted);
            assert_eq!(code(port.admit(&actor, &id, Admission::default()).await), wanted);
            assert_eq!(code(port.switch(&actor, &id, State::On).await), wanted);
            assert_eq!(code(port.delete(&actor, &id).await), wanted);
        }
        assert_eq!(host.test.dump().await, before, "{}: nothing changed", host.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_lead_into_the_own_network_or_to_everybody_are_refused() {
    for host in fixtures().await {
        let id = host.create(Kind::Oidc, Provider::Other).await;
        for issuer in ["http://idp.example", "https://u:p@idp.example", "https://idp.example/?a=1", "idp.example", ""] {
            let refused = host.connections.enter_oidc(&host.owner, &id, draft(issuer, SECRET)).await;
            assert_eq!(field(refused), ("issuer".into(), Code::BadUrl), "{issuer}");
        }
        let realm = |realm: &str| OidcDraft {
            realm: realm.into(),
            client_id: "client".into(),
            secret: Secret::new(SECRET.into()),
            ..OidcDraft::default()
        };
        let entra = host.create(Kind::Oidc, Provider::Entra).await;
        for tenant in ["common", "organizations", "consumers", "example.com", ""] {
            let refused = host.connections.enter_oidc(&host.owner, &entra, realm(tenant)).await;
            assert_eq!(field(refused), ("realm".into(), Code::BadTenant), "{tenant}");
        }
        let google = host.create(Kind::Oidc, Provider::Google).await;
        for domain in ["", "com", "https://example.com", "@example.com"] {
            let refused = host.connections.enter_oidc(&host.owner, &google, realm(domain)).await;
            assert_eq!(field(refused), ("realm".into(), Code::BadDomain), "{domain}");
        }
        let apple = host.create(Kind::Oidc, Provider::Apple).await;
        let keyless = OidcDraft { team_id: "TEAM".into(), key_id: "KEY".into(), ..realm("") };
        let refused = host.connections.enter_oidc(&host.owner, &apple, keyless).await;
        assert_eq!(field(refused), ("secret".into(), Code::BadKey));
        let new = NewConnection { kind: Kind::Saml, provider: Provider::Apple, name: "Apple".into() };
        assert_eq!(field(host.connections.create(&host.owner, new).await), ("kind".into(), Code::BadChoice));
        assert_eq!(host.test.count("sso_connections", "settings IS NOT NULL").await, 0);
    }
}

/// Case 42.
#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_is_none_or_of_another_provider_is_refused() {
    for host in fixtures().await {
        let good = certificate(&host.deps, 90);
        let id = host.saml(std::slice::from_ref(&good)).await;
        host.switched_on(&id).await;
        let before = host.test.select("SELECT CAST(changed_at AS TEXT) AS line FROM sso_connections").await;
        let ours = |text: &str| {
            String::from_utf8(metadata("https://idp.example", std::slice::from_ref(&good)))
                .expect("text")
                .replacen("<md:", text, 1)
        };
        let cases: Vec<(Vec<u8>, Code)> = vec![
            (ours("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><md:").into_bytes(), Code::BadMetadata),
            (metadata("https://idp.example", &[]), Code::BadCertificate),
            (metadata("https://idp.example", &["AAAA".into()]), Code::BadCertificate),
            (metadata("https://evil.example", std::slice::from_ref(&good)), Code::OtherProvider),
            (
                ours("<md:").replace("entityID=", "validUntil=\"2020-01-01T00:00:00Z\" entityID=").into_bytes(),
                Code::MetadataEnded,
            ),
            (vec![b' '; 20 * 1024 * 1024], Code::TooLarge),
            (b"<html></html>".to_vec(), Code::BadMetadata),
            (Vec::new(), Code::BadMetadata),
        ];
        for (document, wanted) in cases {
            let refused = host.connections.enter_metadata(&host.owner, &id, document).await;
            assert_eq!(field(refused), ("metadata".into(), wanted));
        }
        // In use, the same provider's metadata brings certificates and moves nobody elsewhere.
        let moved = String::from_utf8(metadata("https://idp.example", std::slice::from_ref(&good))).expect("text");
        let moved = moved.replace("https://idp.example/sso", "https://evil.example/sso");
        host.connections.enter_metadata(&host.owner, &id, moved.into_bytes()).await.expect("nothing new");
        let usable = host.usable(&id).await.expect("there");
        assert!(!usable.settings.text().expect("JSON").expose().contains("evil.example"));
        assert_eq!(host.test.select("SELECT CAST(changed_at AS TEXT) AS line FROM sso_connections").await, before);
    }
}

/// Case 42: what is fetched is guarded, and only for who may change the connection.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_from_the_own_network_or_for_strangers() {
    for host in fixtures().await {
        let mut deps = host.deps.clone();
        deps.providers = Providers::public();
        let guarded = ConnectionsService::new(deps);
        let id = host.create(Kind::Saml, Provider::Other).await;
        for (url, wanted) in [
            ("https://10.1.2.3/metadata", Code::UrlPrivate),
            ("https://127.0.0.1/metadata", Code::UrlPrivate),
            ("https://[::1]/metadata", Code::UrlPrivate),
            ("https://169.254.169.254/latest/meta-data", Code::UrlPrivate),
            ("http://idp.example/metadata", Code::BadUrl),
            ("file:///etc/passwd", Code::BadUrl),
            ("metadata", Code::BadUrl),
        ] {
            let refused = guarded.fetch_metadata(&host.owner, &id, url).await;
            assert_eq!(field(refused), ("metadata_url".into(), wanted), "{url}");
        }
        let (_, other) = tenant(&host.deps, "Neighbour", "nina@neighbour.example").await;
        assert_eq!(code(guarded.fetch_metadata(&other, &id, "https://10.1.2.3/").await), Code::NotFound);
        assert_eq!(code(guarded.probe(&other, &id).await), Code::NotFound);
        let used = host.saml(&[certificate(&host.deps, 90)]).await;
        host.switched_on(&used).await;
        let newer = guarded.fetch_metadata(&host.owner, &used, "https://10.1.2.3/").await;
        assert_eq!(code(newer), Code::ConnectionOn, "no newer metadata is trusted by itself");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_names_the_check_that_fails_and_is_no_test() {
    for host in fixtures().await {
        let id = host.create(Kind::Oidc, Provider::Other).await;
        // Nothing answers on this port.
        host.connections.enter_oidc(&host.owner, &id, draft("http://127.0.0.1:9", SECRET)).await.expect("entered");
        let report = host.connections.probe(&host.owner, &id).await.expect("probed");
        let failure = report.failure().expect("it fails");
        assert_eq!((&*failure.check, failure.detail.as_deref()), ("discovery", Some("discovery_unreachable")));
        assert!(!report.sign_in && report.lines.len() == 6 && report.lines[0].verdict == Verdict::Passed);
        let saml = host.saml(&[certificate(&host.deps, 90)]).await;
        let report = host.connections.probe(&host.owner, &saml).await.expect("probed");
        assert!(report.passed(), "{report:?}");
        assert_eq!(code(host.connections.switch(&host.owner, &saml, State::On).await), Code::ConnectionUntested);
        host.test.clock.advance(91 * DAY);
        let owner = host.owner.clone().confirmed(host.deps.world.now());
        let report = host.connections.probe(&owner, &saml).await.expect("probed");
        assert_eq!(report.failure().and_then(|line| line.detail.clone()).as_deref(), Some("saml_certificate_ended"));
    }
}
