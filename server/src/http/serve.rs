//! Accepting connections. Requests for share pages that lie finished in the cache are answered here, before the
//! router; everything else goes through it. Both write the same log line.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use shutterpost_model::id::RequestId;
use shutterpost_model::language::Language;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::guard::Peer;
use super::{Http, build_router, share};
use crate::log::RequestLine;

/// A client that sends its request's head slower than this is none of ours.
const HEAD: Duration = Duration::from_secs(15);
/// How long running requests may take to finish when the server stops.
const FINISH: Duration = Duration::from_secs(20);
/// Route template of what is answered here.
const ROUTE: &str = "/s/{token}";

/// Serves until `stop` resolves, then lets running requests finish.
pub async fn serve(http: Http, listener: TcpListener, stop: impl Future<Output = ()>) {
    let router = build_router(http.clone());
    let follower = tokio::spawn({
        let http = http.clone();
        async move { http.shares().follow().await }
    });
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => connection(&http, &router, stream, peer, &connections),
                Err(error) => {
                    // Out of descriptors, most likely: wait for some to come back.
                    tracing::error!(error.kind = %error.kind(), "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
    if tokio::time::timeout(FINISH, connections.shutdown()).await.is_err() {
        tracing::warn!("requests were still running when the time to finish was over");
    }
    follower.abort();
}

fn connection(http: &Http, router: &Router, stream: TcpStream, peer: SocketAddr, connections: &GracefulShutdown) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error.kind = %error.kind(), "no immediate sending on a connection");
    }
    let (http, router) = (http.clone(), router.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (http, router) = (http.clone(), router.clone());
        async move {
            if let Some(response) = cached(&http, &request) {
                return Ok::<_, Infallible>(response);
            }
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            router.oneshot(request).await
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(64)
        .serve_connection(TokioIo::new(stream), service);
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        // Clients that vanish are everyday life.
        if let Err(error) = connection.await {
            tracing::debug!(error.kind = %error, "a connection ended early");
        }
    });
}

/// The finished page, if the request is a plain look at one.
fn cached(http: &Http, request: &Request<Incoming>) -> Option<Response<Body>> {
    let token = request.uri().path().strip_prefix("/s/")?;
    if request.method() != Method::GET {
        return None;
    }
    let started = Instant::now();
    let language = match request.uri().query() {
        None => {
            let header = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            Language::negotiate(header.unwrap_or_default())
        }
        Some(query) => Language::from_tag(query.strip_prefix("lang=")?)?,
    };
    let at = http.world().now();
    let page = http.shares().find(token, language, at)?;
    let mut response = share::respond(&page, request.headers());
    let id: RequestId = http.world().id(RequestId::new);
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    http.log().line(RequestLine {
        at,
        request: id.into_string(),
        method: "GET",
        route: ROUTE,
        status: response.status().as_u16(),
        micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        code: None,
        organisation: None,
        cached: true,
    });
    Some(response)
}
