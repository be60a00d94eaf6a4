//! Case 99: whose address counts. What a client writes into `X-Forwarded-For` itself must neither give it ever new
//! addresses nor spend the attempts of others.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::StatusCode;
use shutterpost::http::guard::Peer;

use crate::support::{App, As, apps, apps_behind};

/// Attempts to sign in that an address has at once.
const BURST: usize = 20;
const PROXY: &str = "10.0.0.1:55001";
/// Behind the other one.
const INNER: &str = "10.0.0.2";

/// Whether an attempt is let through, on a connection from this peer with these headers.
async fn served(app: &App, peer: &str, forwarded: &[&str]) -> bool {
    let mut request = app.request("POST", "/cms/forgot", &As::Nobody);
    for line in forwarded {
        request = request.header("x-forwarded-for", *line);
    }
    let mut request = request.body(Body::empty()).expect("a request");
    request.extensions_mut().insert(Peer(peer.parse::<SocketAddr>().expect("an address")));
    app.send(request).await.status != StatusCode::TOO_MANY_REQUESTS
}

/// Tries until no more is let through; gives how often it was.
async fn spend(app: &App, peer: &str, mut forwarded: impl FnMut(usize) -> Vec<String>) -> usize {
    // A slow machine gets one more every two seconds.
    for count in 0..4 * BURST {
        let lines = forwarded(count);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        if !served(app, peer, &lines).await {
            return count;
        }
    }
    4 * BURST
}

/// Whether these headers spend what `client` has, which is nothing any more. Asked thrice, because what was spent comes
/// back one by one.
async fn counts_as(app: &App, client: &str, forwarded: &[&str]) -> bool {
    spend(app, PROXY, |_| vec![client.to_owned()]).await;
    let mut refused = false;
    for _ in 0..3 {
        refused |= !served(app, PROXY, forwarded).await;
    }
    refused
}

fn proxies() -> Vec<std::net::IpAddr> {
    let proxy = PROXY.parse::<SocketAddr>().expect("an address").ip();
    vec![proxy, INNER.parse().expect("an address")]
}

#[tokio::test(flavor = "multi_thread")]
async fn case_99_whoever_connects_directly_is_who_connects() {
    // With proxies that are trusted and without: none of them speaks here.
    for app in apps().await.into_iter().chain(apps_behind(&proxies()).await) {
        let peer = "198.51.100.7:4711";
        let count = spend(&app, peer, |count| vec![format!("203.0.113.{count}")]).await;
        assert!((BURST..4 * BURST).contains(&count), "{count} attempts under ever new names");
        assert!(served(&app, "198.51.100.8:4711", &["198.51.100.7"]).await, "the control: another peer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_99_behind_a_proxy_what_it_says_itself_counts_and_nothing_left_of_it() {
    for app in apps_behind(&proxies()).await {
        let count = spend(&app, PROXY, |count| vec![format!("192.0.2.{count}, 203.0.113.7")]).await;
        assert!((BURST..4 * BURST).contains(&count), "{count} attempts under ever new names");
        for same in [
            &["203.0.113.7"][..],
            &["192.0.2.200,203.0.113.7"],
            &["192.0.2.201", "203.0.113.7"],
            &["203.0.113.8, 203.0.113.7, 10.0.0.2"],
            &["nonsense, 203.0.113.7"],
            &["::ffff:203.0.113.7"],
        ] {
            assert!(counts_as(&app, "203.0.113.7", same).await, "{same:?} on {}", app.database.kind);
        }
        for other in [&["203.0.113.7, 203.0.113.8"][..], &["203.0.113.7", "203.0.113.9"], &["203.0.113.10"]] {
            assert!(!counts_as(&app, "203.0.113.7", other).await, "the control: {other:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_99_an_entry_with_a_port_is_its_address_and_one_that_cannot_be_read_is_the_proxy() {
    for app in apps_behind(&proxies()).await {
        let count = spend(&app, PROXY, |count| vec![format!("192.0.2.{count}, 203.0.113.7:4711")]).await;
        assert!((BURST..4 * BURST).contains(&count), "{count} attempts beside an entry with a port");
        assert!(counts_as(&app, "203.0.113.7", &["192.0.2.100, 203.0.113.7:4712"]).await);
        assert!(counts_as(&app, "2001:db8::7", &["192.0.2.101, [2001:db8::7]:4711"]).await);
        assert!(!counts_as(&app, "203.0.113.7", &["203.0.113.7, 203.0.113.8:4711"]).await, "the control");

        let count = spend(&app, PROXY, |count| vec![format!("192.0.2.{count}, nonsense")]).await;
        assert!((BURST..4 * BURST).contains(&count), "{count} attempts beside an entry that is no address");
        let own = PROXY.split(':').next().expect("its address");
        for unreadable in ["192.0.2.102, unknown", "192.0.2.103, 203.0.113.300", "192.0.2.104, :4711"] {
            assert!(counts_as(&app, own, &[unreadable]).await, "{unreadable}");
        }
        assert!(!counts_as(&app, own, &["203.0.113.20"]).await, "the control");
    }
}
