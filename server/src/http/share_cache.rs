//! Finished share pages: compressed bytes and headers, per link and language.
//!
//! A hit never touches the database, and still nothing stale is served: every change of a capture or an event has a
//! number in commit order; each instance reads new numbers several times a second and remembers the newest per
//! capture and event. A page remembers the number at which its load began, so it is stale as soon as a later one
//! concerns it. An instance that has not managed to read the numbers for half a second stops trusting its cache.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use shutterpost_model::id::{CaptureId, EventId};
use shutterpost_model::language::Language;
use shutterpost_model::share::{ChangeTarget, ResolvedShare, Shares};
use shutterpost_model::time::Millis;

use super::headers::complete;
use super::registry::Surface;

/// How often other instances' changes are asked for.
pub const POLL: Duration = Duration::from_millis(150);
/// After this long without an answer the cache is bypassed.
const TRUST: Duration = Duration::from_millis(500);
/// Pages are made anew after this long anyway, so changes older than this can be forgotten.
const LIVE: Duration = Duration::from_secs(3600);
/// Bytes of all pages together.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Brotli,
    Gzip,
    Identity,
}

impl Coding {
    /// The best that `Accept-Encoding` allows; explicit refusals (`q=0`) are honoured.
    pub fn negotiate(header: &str) -> Self {
        let accepts = |name: &str| {
            header.split(',').any(|entry| {
                let mut parts = entry.split(';');
                parts.next().is_some_and(|coding| coding.trim() == name)
                    && !parts.any(|part| matches!(part.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
            })
        };
        if accepts("br") {
            Self::Brotli
        } else if accepts("gzip") {
            Self::Gzip
        } else {
            Self::Identity
        }
    }
}

/// A finished page.
#[derive(Debug)]
pub struct Page {
    brotli: (HeaderMap, Bytes),
    gzip: (HeaderMap, Bytes),
    identity: (HeaderMap, Bytes),
    etag: String,
    capture: CaptureId,
    event: EventId,
    valid_until: Millis,
    /// Number of the newest change known when the load began.
    sequence: i64,
}

impl Page {
    /// Finished headers and body in a coding.
    pub const fn in_coding(&self, coding: Coding) -> &(HeaderMap, Bytes) {
        match coding {
            Coding::Brotli => &self.brotli,
            Coding::Gzip => &self.gzip,
            Coding::Identity => &self.identity,
        }
    }

    /// Whether `If-None-Match` names this page; comparison is weak (RFC 9110 §13.1.2).
    pub fn matches(&self, if_none_match: &str) -> bool {
        if_none_match.split(',').any(|tag| tag.trim().trim_start_matches("W/").trim_matches('"') == self.etag)
    }

    fn size(&self) -> u32 {
        let bytes = self.brotli.1.len() + self.gzip.1.len() + self.identity.1.len();
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// A page is kept under its token and language.
type Key = (String, Language);

#[derive(Default)]
struct Stale {
    captures: HashMap<CaptureId, i64>,
    events: HashMap<EventId, i64>,
}

/// The cache of one instance.
pub struct ShareCache {
    shares: Arc<dyn Shares>,
    pages: Cache<Key, Arc<Page>>,
    stale: RwLock<Stale>,
    /// Newest change applied.
    applied: AtomicI64,
    /// Milliseconds after `started` when changes were last read, plus one; 0 before the first time.
    read_at: AtomicU64,
    started: Instant,
    /// One reader at a time.
    reading: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for ShareCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShareCache")
    }
}

impl ShareCache {
    pub fn new(shares: Arc<dyn Shares>) -> Self {
        let pages = Cache::builder()
            .max_capacity(CAPACITY)
            .weigher(|_: &Key, page: &Arc<Page>| page.size())
            .time_to_live(LIVE)
            .build();
        Self {
            shares,
            pages,
            stale: RwLock::default(),
            applied: AtomicI64::new(-1),
            read_at: AtomicU64::new(0),
            started: Instant::now(),
            reading: tokio::sync::Mutex::new(()),
        }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether changes were read recently enough to trust the cache.
    fn fresh(&self) -> bool {
        match self.read_at.load(Ordering::Acquire) {
            0 => false,
            at => self.elapsed().saturating_sub(at - 1) <= u64::try_from(TRUST.as_millis()).unwrap_or(0),
        }
    }

    /// A finished page that is surely not stale. Never touches the database.
    pub fn find(&self, token: &str, language: Language, now: Millis) -> Option<Arc<Page>> {
        if !self.fresh() {
            return None;
        }
        let page = self.pages.get(&(token.to_owned(), language))?;
        if now >= page.valid_until {
            return None;
        }
        let stale = self.stale.read().unwrap_or_else(PoisonError::into_inner);
        let newest = stale.captures.get(&page.capture).max(stale.events.get(&page.event)).copied().unwrap_or(-1);
        (newest <= page.sequence).then_some(page)
    }

    /// Number of the newest change applied; ask before loading what is going to be kept.
    pub fn sequence(&self) -> i64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Finishes a page and keeps it. Compressing takes milliseconds of CPU: call it off the request threads.
    pub fn keep(
        &self,
        token: &str,
        language: Language,
        share: &ResolvedShare,
        sequence: i64,
        html: &str,
        csp: &str,
    ) -> Arc<Page> {
        let page = Arc::new(finish(share, sequence, language, html, csp));
        // Before the first answer nothing is known about changes.
        if sequence >= 0 {
            self.pages.insert((token.to_owned(), language), page.clone());
        }
        page
    }

    /// Reads and applies all changes since the last time. Failing leaves the cache untrusted after half a second.
    pub async fn catch_up(&self) {
        let _one = self.reading.lock().await;
        loop {
            let began = self.elapsed();
            let after = self.applied.load(Ordering::Acquire);
            match self.shares.changes(after).await {
                Ok((changes, newest)) => {
                    let more = !changes.is_empty() && changes.last().is_some_and(|last| last.sequence < newest);
                    let reached = if more { changes.last().map_or(newest, |last| last.sequence) } else { newest };
                    if !changes.is_empty() {
                        let mut stale = self.stale.write().unwrap_or_else(PoisonError::into_inner);
                        for change in changes {
                            match change.target {
                                ChangeTarget::Capture(id) => stale.captures.insert(id, change.sequence),
                                ChangeTarget::Event(id) => stale.events.insert(id, change.sequence),
                            };
                        }
                        if stale.captures.len() + stale.events.len() > 200_000 {
                            // Rather make pages anew than grow without bound.
                            *stale = Stale::default();
                            self.pages.invalidate_all();
                        }
                    }
                    self.applied.store(reached, Ordering::Release);
                    if !more {
                        self.read_at.store(began + 1, Ordering::Release);
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(error.code = error.code.as_str(), "changes of share pages could not be read");
                    return;
                }
            }
        }
    }

    /// Keeps up until the task is ended.
    pub async fn follow(&self) {
        let mut ticks = tokio::time::interval(POLL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.catch_up().await;
        }
    }
}

fn finish(share: &ResolvedShare, sequence: i64, language: Language, html: &str, csp: &str) -> Page {
    let etag = data_encoding::BASE64URL_NOPAD.encode(Sha256::digest(html.as_bytes()).get(..12).unwrap_or_default());
    let headers = |coding: Option<&'static str>, length: usize| {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding, Accept-Language"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        for (name, value) in [(header::ETAG, format!("\"{etag}\"")), (header::CONTENT_SECURITY_POLICY, csp.to_owned())]
        {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        complete(&mut headers, Surface::Guest, share.page.origin.starts_with("https:"));
        headers
    };
    let (brotli, gzip) = (brotli(html.as_bytes()), gzip(html.as_bytes()));
    Page {
        brotli: (headers(Some("br"), brotli.len()), brotli),
        gzip: (headers(Some("gzip"), gzip.len()), gzip),
        identity: (headers(None, html.len()), Bytes::copy_from_slice(html.as_bytes())),
        etag,
        capture: share.capture.clone(),
        event: share.event.clone(),
        valid_until: share.valid_until,
        sequence,
    }
}

pub(super) fn brotli(bytes: &[u8]) -> Bytes {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 9, ..Default::default() };
    let mut input = bytes;
    brotli::BrotliCompress(&mut input, &mut out, &params).expect("a vector takes every byte");
    out.into()
}

pub(super) fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("a vector takes every byte").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_accepted_coding_is_chosen() {
        for (header, coding) in [
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("gzip", Coding::Gzip),
            ("br;q=0, gzip;q=0.5", Coding::Gzip),
            ("identity", Coding::Identity),
            ("", Coding::Identity),
        ] {
            assert_eq!(Coding::negotiate(header), coding, "{header}");
        }
    }
}
