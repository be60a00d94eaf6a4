//! Accepting connections. Requests for share pages that lie finished in the cache are answered here, before the
//! router; everything else goes through it. Both write the same log line.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

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
use super::{Http, build_admin_router, build_router, share};
use crate::log::RequestLine;

/// A client that sends its request's head slower than this is none of ours.
const HEAD: Duration = Duration::from_secs(15);
/// How long running requests may take to finish when the server stops.
const FINISH: Duration = Duration::from_secs(20);
/// Route template of what is answered here.
pub(crate) const PAGE: &str = "/s/{token}";

/// Serves until `stop` resolves, then lets running requests finish.
pub async fn serve(http: Http, listener: TcpListener, stop: impl Future<Output = ()>) {
    let follower = tokio::spawn({
        let http = http.clone();
        async move { http.shares().follow().await }
    });
    let router = build_router(http.clone());
    accept(listener, stop, move |request| {
        let (http, router) = (http.clone(), router.clone());
        async move {
            match cached(&http, &request) {
                Some(response) => Ok(response),
                None => router.oneshot(request.map(Body::new)).await,
            }
        }
    })
    .await;
    follower.abort();
}

/// Serves the admin port until `stop` resolves.
pub async fn serve_admin(http: Http, listener: TcpListener, stop: impl Future<Output = ()>) {
    let router = build_admin_router(http);
    accept(listener, stop, move |request| router.clone().oneshot(request.map(Body::new))).await;
}

/// Accepts connections and has each request answered, with the [`Peer`] in it.
async fn accept<F>(
    listener: TcpListener,
    stop: impl Future<Output = ()>,
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) where
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => connection(stream, peer, &connections, answer.clone()),
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
}

fn connection<F>(
    stream: TcpStream,
    peer: SocketAddr,
    connections: &GracefulShutdown,
    answer: impl Fn(Request<Incoming>) -> F + Send + 'static,
) where
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error.kind = %error.kind(), "no immediate sending on a connection");
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        answer(request)
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
    http.answered(RequestLine {
        at,
        request: id.into_string(),
        method: "GET",
        route: PAGE,
        status: response.status().as_u16(),
        micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        code: None,
        organisation: None,
        cached: true,
    });
    Some(response)
}
