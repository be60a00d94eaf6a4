//! Requests that `object_store` has no call for: which versions a bucket keeps, deleting them, and taking back uploads
//! that were never finished.

use std::fmt;
use std::sync::Arc;

use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{CredentialProvider, HttpClient, HttpRequest, HttpRequestBody};
use object_store::path::Path as Name;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::Reader;
use quick_xml::events::Event;
use shutterpost_model::time::Millis;
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant, sleep};

use super::{Credentials, Patience};
use crate::error::Failure;

/// What a signature wants encoded.
const STRICT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: AsciiSet = STRICT.remove(b'/');
/// How long it is believed whether the bucket keeps versions.
const BELIEVED: Duration = Duration::from_secs(600);
/// Pages of a list at most: a million of entries. More is a service that repeats itself.
const MOST_PAGES: usize = 1000;

/// Whether a bucket keeps what was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Versioning {
    /// It does, or did.
    Kept,
    /// It never did, or the service knows no versions.
    Never,
    /// We may not ask. What the service said.
    Unknown(String),
}

/// An answer that came.
struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    const fn is_good(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    fn refused(&self, what: &'static str) -> Failure {
        Failure::internal(what, self.reason())
    }

    /// The service's code for it, and nothing longer.
    fn reason(&self) -> String {
        let code = records(&self.body).ok().and_then(|(top, _)| field(&top, "Code").map(str::to_owned));
        format!("{} {}", self.status, code.unwrap_or_default())
    }
}

/// The requests of our own to a bucket.
pub(crate) struct Own {
    client: HttpClient,
    /// Without a slash at its end.
    address: String,
    prefix: Name,
    region: String,
    credentials: Arc<Credentials>,
    patience: Patience,
    versioning: Mutex<Option<(Instant, Versioning)>>,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Own")
    }
}

impl Own {
    pub(super) fn new(
        client: HttpClient,
        address: String,
        prefix: &str,
        region: String,
        credentials: Arc<Credentials>,
        patience: Patience,
    ) -> Self {
        let prefix = Name::from(prefix);
        Self { client, address, prefix, region, credentials, patience, versioning: Mutex::default() }
    }

    /// The whole name of an object of ours, or how the names of all begin.
    fn key(&self, name: &str) -> String {
        if self.prefix.as_ref().is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    /// Whether the bucket keeps versions. Asked now and then.
    pub(crate) async fn versioning(&self) -> Result<Versioning, Failure> {
        let mut known = self.versioning.lock().await;
        if let Some((at, versioning)) = &*known
            && at.elapsed() < BELIEVED
        {
            return Ok(versioning.clone());
        }
        let answer = self.ask("GET", "", &[("versioning", "")]).await?;
        let versioning = match answer.status {
            200 => {
                let (top, _) = records(&answer.body)?;
                if field(&top, "Status").is_some() { Versioning::Kept } else { Versioning::Never }
            }
            // What services say that know no versions.
            400 | 405 | 501 => Versioning::Never,
            401 | 403 => Versioning::Unknown(answer.reason()),
            _ => return Err(answer.refused("a bucket does not say whether it keeps versions")),
        };
        *known = Some((Instant::now(), versioning.clone()));
        Ok(versioning)
    }

    /// Deletes every version of an object and every mark of its deletion, the oldest first: so it stays whole until it is
    /// gone.
    pub(crate) async fn delete_versions(&self, name: &str) -> Result<(), Failure> {
        let key = self.key(name);
        let mut versions = self.versions(&key).await?;
        versions.reverse();
        for version in versions {
            let answer = self.ask("DELETE", &key, &[("versionId", &version)]).await?;
            if !answer.is_good() && answer.status != 404 {
                return Err(answer.refused("a version of an object is not deleted"));
            }
        }
        Ok(())
    }

    /// The versions of an object, the newest first.
    async fn versions(&self, key: &str) -> Result<Vec<String>, Failure> {
        let (mut versions, mut marker) = (Vec::new(), Vec::new());
        for _ in 0..MOST_PAGES {
            let mut query = vec![("versions", ""), ("prefix", key)];
            query.extend(marker.iter().map(|(name, value): &(&str, String)| (*name, value.as_str())));
            let answer = self.ask("GET", "", &query).await?;
            if !answer.is_good() {
                return Err(answer.refused("the versions of an object are not listed"));
            }
            let (top, found) = records(&answer.body)?;
            for record in &found {
                if field(record, "Key") == Some(key)
                    && let Some(version) = field(record, "VersionId")
                {
                    versions.push(version.to_owned());
                }
            }
            let next = [("key-marker", "NextKeyMarker"), ("version-id-marker", "NextVersionIdMarker")];
            marker = next.into_iter().filter_map(|(ask, told)| Some((ask, field(&top, told)?.to_owned()))).collect();
            if field(&top, "IsTruncated") != Some("true") || marker.is_empty() {
                return Ok(versions);
            }
        }
        Err(Failure::Internal("the list of versions of an object has no end".into()))
    }

    /// Takes back uploads in parts that began before this and were never finished; gives how many. Their parts are kept,
    /// and paid for, until somebody does.
    pub(crate) async fn abandon_uploads(&self, before: Millis) -> Result<u64, Failure> {
        let (mut abandoned, mut marker) = (0, Vec::new());
        let prefix = self.key("");
        for _ in 0..MOST_PAGES {
            let mut query = vec![("uploads", ""), ("prefix", prefix.as_str())];
            query.extend(marker.iter().map(|(name, value): &(&str, String)| (*name, value.as_str())));
            let answer = self.ask("GET", "", &query).await?;
            // A service without such a list, or that does not let us see it: then a rule of the bucket does this.
            if matches!(answer.status, 400 | 401 | 403 | 405 | 501) {
                return Ok(abandoned);
            }
            if !answer.is_good() {
                return Err(answer.refused("unfinished uploads are not listed"));
            }
            let (top, found) = records(&answer.body)?;
            for record in &found {
                let (Some(key), Some(id), Some(begun)) =
                    (field(record, "Key"), field(record, "UploadId"), field(record, "Initiated"))
                else {
                    continue;
                };
                let begun = begun.parse::<jiff::Timestamp>().map(|time| Millis(time.as_millisecond()));
                // In a bucket that is shared, only what has the form of our names.
                let ours = key.strip_prefix(&prefix).is_some_and(|name| name.matches('/').count() == 2);
                if !ours || !begun.is_ok_and(|begun| begun < before) {
                    continue;
                }
                let answer = self.ask("DELETE", key, &[("uploadId", id)]).await?;
                if !answer.is_good() && answer.status != 404 {
                    return Err(answer.refused("an unfinished upload is not taken back"));
                }
                abandoned += 1;
            }
            let next = [("key-marker", "NextKeyMarker"), ("upload-id-marker", "NextUploadIdMarker")];
            marker = next.into_iter().filter_map(|(ask, told)| Some((ask, field(&top, told)?.to_owned()))).collect();
            if field(&top, "IsTruncated") != Some("true") || marker.is_empty() {
                return Ok(abandoned);
            }
        }
        Err(Failure::Internal("the list of unfinished uploads has no end".into()))
    }

    /// Names and versions of everything below the prefix.
    #[cfg(test)]
    pub(crate) async fn all_versions(&self) -> Vec<String> {
        let answer = self.ask("GET", "", &[("versions", ""), ("prefix", &self.key(""))]).await.expect("answers");
        let (_, found) = records(&answer.body).expect("reads");
        found.iter().filter_map(|record| field(record, "Key").map(str::to_owned)).collect()
    }

    /// Asks until an answer comes that is not the service's own trouble. All of it may be asked twice.
    async fn ask(&self, method: &str, key: &str, query: &[(&str, &str)]) -> Result<Answer, Failure> {
        let begun = Instant::now();
        let mut wait = self.patience.first_wait;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let last = attempt >= self.patience.attempts || begun.elapsed() + wait >= self.patience.within;
            let failure = match self.ask_once(method, key, query).await {
                Ok(answer) if answer.status < 500 && answer.status != 429 || answer.status == 501 => return Ok(answer),
                Ok(answer) => answer.refused("the service of stored objects has trouble"),
                Err(failure) => failure,
            };
            if last {
                return Err(failure);
            }
            sleep(wait).await;
            wait = (wait * 2).min(Patience::LONGEST_WAIT);
        }
    }

    async fn ask_once(&self, method: &str, key: &str, query: &[(&str, &str)]) -> Result<Answer, Failure> {
        let failed = |error: &dyn fmt::Display| Failure::internal("a request to the stored objects", error);
        let encoded = |text: &str| utf8_percent_encode(text, &STRICT).to_string();
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let path = utf8_percent_encode(key, &PATH);
        let address = format!("{}/{path}?{}", self.address, query.join("&"));
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = method.parse().map_err(|error| failed(&error))?;
        *request.uri_mut() = address.parse().map_err(|error| failed(&error))?;
        let credential: Arc<AwsCredential> = self.credentials.get_credential().await.map_err(|error| failed(&error))?;
        let signer = AwsAuthorizer::new(&credential, "s3", &self.region);
        signer.try_authorize(&mut request, None).map_err(|error| failed(&error))?;
        let (head, body) = self.client.execute(request).await.map_err(|error| failed(&error))?.into_parts();
        let body = body.bytes().await.map_err(|error| failed(&error))?;
        Ok(Answer { status: head.status.as_u16(), body: String::from_utf8_lossy(&body).into_owned() })
    }
}

/// The texts of an element's children.
type Record = Vec<(String, String)>;

fn field<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    record.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
}

/// Reads an answer: the texts right below the root, and of each element below it that has children theirs.
fn records(xml: &str) -> Result<(Record, Vec<Record>), Failure> {
    let damaged = |error: &dyn fmt::Display| Failure::internal("an answer about stored objects does not read", error);
    let (mut top, mut all, mut record) = (Record::new(), Vec::new(), Record::new());
    let (mut names, mut text): (Vec<String>, String) = (Vec::new(), String::new());
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().map_err(|error| damaged(&error))? {
            Event::Start(start) => {
                names.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                text.clear();
            }
            Event::Text(more) => text.push_str(&more.decode().map_err(|error| damaged(&error))?),
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|error| damaged(&error))?;
                let meant = quick_xml::escape::unescape(&format!("&{name};")).map(std::borrow::Cow::into_owned);
                text.push_str(&meant.map_err(|error| damaged(&error))?);
            }
            Event::End(_) => {
                let Some(name) = names.pop() else { break };
                match names.len() {
                    1 if record.is_empty() => top.push((name, std::mem::take(&mut text))),
                    1 => all.push(std::mem::take(&mut record)),
                    2 => record.push((name, std::mem::take(&mut text))),
                    _ => {}
                }
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    Ok((top, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_reads_into_its_texts_and_records() {
        let xml = "<?xml version=\"1.0\"?><R xmlns=\"http://x/\"><IsTruncated>true</IsTruncated><Empty/>\
                   <Version><Key>a &amp; b</Key><VersionId>1</VersionId><Owner><ID>9</ID></Owner></Version>\
                   <DeleteMarker><Key>c</Key></DeleteMarker><NextKeyMarker>c</NextKeyMarker></R>";
        let (top, records) = records(xml).expect("reads");
        assert_eq!((field(&top, "IsTruncated"), field(&top, "NextKeyMarker")), (Some("true"), Some("c")));
        assert_eq!(records.len(), 2);
        assert_eq!((field(&records[0], "Key"), field(&records[0], "VersionId")), (Some("a & b"), Some("1")));
        assert_eq!(field(&records[0], "ID"), None, "what is deeper is left out");
        assert_eq!(field(&records[1], "Key"), Some("c"));
        assert!(super::records("<a><b></a>").is_err());
    }
}
