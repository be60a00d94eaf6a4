//! Domains: who proves them, and for how long that holds.

use std::sync::Arc;

use shutterpost_model::access::Actor;
use shutterpost_model::connections::domains::Domains;
use shutterpost_model::connections::{Connections, State};
use shutterpost_model::error::Code;
use shutterpost_model::id::ConnectionId;
use shutterpost_model::pii::Pii;
use shutterpost_model::time::DAY;

use super::{Fixture, certificate, code, field, fixtures, tenant};
use crate::connections::certificates;
use crate::connections::dns::tests::Server;
use crate::connections::domains::{DomainsService, look_again};
use crate::jobs::Permit;
use crate::services::Deps;

/// The port of domains, asking a name server of the test.
async fn domains(host: &Fixture) -> (DomainsService, Server, Deps) {
    let server = Server::start().await;
    let mut deps = host.deps.clone();
    deps.providers.names = Arc::new(server.resolver());
    (DomainsService::new(deps.clone()), server, deps)
}

async fn publish(server: &Server, port: &DomainsService, actor: &Actor) {
    for view in port.list(actor).await.expect("listed") {
        server.publish(&view.record, &view.proof);
    }
}

async fn leads(port: &DomainsService, email: &str) -> Option<ConnectionId> {
    port.connection_of(&Pii::new(email.into())).await.expect("looked up")
}

async fn notices(host: &Fixture) -> Vec<String> {
    host.test.select("SELECT notice AS line FROM messages WHERE notice IS NOT NULL ORDER BY created_at, id").await
}

/// Case 122.
#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_whose_proof_was_seen_first_however_it_is_spelt() {
    for host in fixtures().await {
        let (port, server, _) = domains(&host).await;
        let (_, other) = tenant(&host.deps, "Neighbour", "nina@neighbour.example").await;
        for (actor, spelt) in [(&host.owner, "EXAMPLE.com."), (&other, " example.COM")] {
            port.add(actor, spelt).await.expect("added");
            port.add(actor, "example.com").await.expect("there already");
            let views = port.list(actor).await.expect("listed");
            assert_eq!(views.len(), 1);
            assert_eq!(views[0].record, "_shutterpost.example.com");
            assert!(views[0].verified_at.is_none());
            assert_eq!(code(port.verify(actor, "example.com").await), Code::DomainUnproven, "claimed without a proof");
        }
        // The neighbour's proof is not the host's.
        publish(&server, &port, &other).await;
        assert_eq!(code(port.verify(&host.owner, "example.com").await), Code::DomainUnproven);
        port.verify(&other, "Example.com").await.expect("proved");
        publish(&server, &port, &host.owner).await;
        assert_eq!(code(port.verify(&host.owner, "example.com").await), Code::DomainTaken);
        port.verify(&other, "example.com").await.expect("its own, once more");
        port.remove(&other, "example.com").await.expect("given up");
        port.verify(&host.owner, "example.com").await.expect("free again");
        // Another spelling of an international name is the same name.
        port.add(&host.owner, "BÜCHER.example").await.expect("added");
        let names: Vec<String> =
            port.list(&host.owner).await.expect("listed").into_iter().map(|one| one.domain).collect();
        assert_eq!(names, ["example.com", "xn--bcher-kva.example"]);
        for wrong in ["", "com", "localhost", "10.0.0.1", "a b.com", "https://example.com", "x@example.com", "a..com"] {
            assert_eq!(field(port.add(&host.owner, wrong).await), ("domain".into(), Code::BadDomain), "{wrong}");
        }
        assert_eq!(field(port.add(&host.owner, "GMail.com").await), ("domain".into(), Code::PublicDomain));
        server.fail(true);
        assert_eq!(code(port.verify(&host.owner, "example.com").await), Code::Busy);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_leads_by_its_domain_alone_to_a_connection_that_is_on() {
    for host in fixtures().await {
        let (port, server, _) = domains(&host).await;
        let (_, other) = tenant(&host.deps, "Neighbour", "nina@neighbour.example").await;
        let id = host.oidc().await;
        port.add(&host.owner, "host.example").await.expect("added");
        assert_eq!(code(port.route(&other, "host.example", Some(id.clone())).await), Code::NotFound);
        port.route(&host.owner, "host.example", Some(id.clone())).await.expect("routed");
        assert_eq!(leads(&port, "olga@host.example").await, None, "not proved");
        publish(&server, &port, &host.owner).await;
        port.verify(&host.owner, "host.example").await.expect("proved");
        assert_eq!(leads(&port, "olga@host.example").await, None, "not on");
        host.switched_on(&id).await;
        for email in ["olga@host.example", "nobody@HOST.example", "a@b@host.example."] {
            assert_eq!(leads(&port, email).await, Some(id.clone()), "{email}");
        }
        for email in ["olga@sub.host.example", "olga@neighbour.example", "host.example", "@", ""] {
            assert_eq!(leads(&port, email).await, None, "{email}");
        }
        // To a connection of another organisation nobody is led.
        port.add(&other, "neighbour.example").await.expect("added");
        let foreign = port.route(&other, "neighbour.example", Some(id.clone())).await;
        assert_eq!(code(foreign), Code::NotFound);
        host.connections.switch(&host.owner, &id, State::Off).await.expect("off");
        assert_eq!(leads(&port, "olga@host.example").await, None);
        host.connections.delete(&host.owner, &id).await.expect("deleted");
        assert!(port.list(&host.owner).await.expect("listed")[0].connection.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_is_gone_is_told_after_three_days_and_counts_for_seven() {
    for host in fixtures().await {
        let (port, server, deps) = domains(&host).await;
        port.add(&host.owner, "host.example").await.expect("added");
        publish(&server, &port, &host.owner).await;
        port.verify(&host.owner, "host.example").await.expect("proved");
        let look = async |days: i64| {
            for _ in 0..days {
                host.test.clock.advance(DAY);
                look_again(Permit::of_test(), deps.clone()).await.expect("looked");
            }
            port.list(&host.owner).await.expect("listed").remove(0)
        };
        assert!(look(2).await.failing_since.is_none());
        // A name server that cannot say counts for nothing.
        server.fail(true);
        assert!(look(9).await.failing_since.is_none());
        server.fail(false);
        server.clear();
        let view = look(3).await;
        assert!(view.verified_at.is_some() && view.failing_since.is_some());
        assert!(notices(&host).await.is_empty());
        look(3).await;
        assert_eq!(notices(&host).await, ["domain_failing"], "told once");
        let view = look(2).await;
        assert!(view.verified_at.is_none());
        assert_eq!(notices(&host).await, ["domain_failing", "domain_lost"]);
        publish(&server, &port, &host.owner).await;
        let owner = host.owner.clone().confirmed(host.deps.world.now());
        port.verify(&owner, "host.example").await.expect("proved again");
        assert!(look(2).await.failing_since.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_told_thirty_seven_and_one_day_before_a_certificate_ends() {
    for host in fixtures().await {
        let id = host.saml(&[certificate(&host.deps, 40)]).await;
        host.switched_on(&id).await;
        let before = notices(&host).await.len();
        let mut told = Vec::new();
        for day in 1..=41 {
            host.test.clock.advance(DAY);
            for _ in 0..2 {
                certificates::warn(Permit::of_test(), host.deps.clone()).await.expect("looked");
            }
            let now = notices(&host).await;
            told.extend(now[before + told.len()..].iter().map(|notice| (day, notice.clone())));
        }
        let told: Vec<(i32, &str)> = told.iter().map(|(day, notice)| (*day, &**notice)).collect();
        assert_eq!(told, [(10, "certificate_month"), (33, "certificate_week"), (39, "certificate_day")]);
    }
}
