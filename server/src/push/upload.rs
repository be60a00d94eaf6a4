//! One file, from where it is to where the server has it.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use http::{HeaderMap, Method};
use sha2::{Digest, Sha256};
use shutterpost_model::pii::Secret;
use shutterpost_model::uploads::PATH;

use super::client::{Answer, Away, Client};
use super::folder::{Seen, changed_at};

/// Bytes of one request, at most and at least. Each is checked by its checksum, and counts as a whole: where connections
/// break off early, requests have to be small.
pub(super) const LARGE: usize = 2 * 1024 * 1024;
pub(super) const SMALL: usize = 32 * 1024;
/// More is no guest.
const SIDECAR_MOST: u64 = 16 * 1024;

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Done {
        capture: String,
    },
    /// For good.
    Refused {
        code: String,
        detail: String,
    },
    /// The server or the way to it failed; `moved` if it had taken bytes before.
    Again {
        why: String,
        moved: bool,
    },
    /// The server knows us and does not let us, or does not know us: somebody has to do something.
    Barred {
        why: String,
    },
    /// The file changed or went while it was read; it is looked at anew.
    Changed,
}

/// Everything about a file that is uploaded.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub(super) path: PathBuf,
    pub(super) seen: Seen,
    pub(super) sha256: String,
    /// Where its upload is, if one was begun.
    pub(super) upload: Option<String>,
    pub(super) event: Option<String>,
    pub(super) token: Secret,
    /// Bytes of one request.
    pub(super) slice: usize,
    /// Whether the server took bytes in this attempt.
    pub(super) moved: bool,
}

/// Name of the file beside a photo that holds its guest.
pub(super) fn sidecar(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".json");
    path.with_file_name(name)
}

/// The hash of a file's bytes.
pub(super) fn hash(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (std::fs::File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
    }
    Ok(HEXLOWER.encode(&hash.finalize()))
}

/// Length and time of the last change of the guest beside a photo, if there is one.
pub(super) fn guest_seen(path: &Path) -> Option<(u64, i64)> {
    let facts = std::fs::metadata(sidecar(path)).ok()?;
    Some((facts.len(), changed_at(&facts).ok()?))
}

/// The same name with the same bytes is the same photo, also when our journal is lost.
fn key(parcel: &Parcel) -> String {
    let mut hash = Sha256::new();
    hash.update(parcel.seen.name.as_bytes());
    hash.update([0]);
    hash.update(parcel.sha256.as_bytes());
    format!("push-{}", HEXLOWER.encode(&hash.finalize()))
}

/// `Upload-Metadata` of a file.
fn metadata(parcel: &Parcel, guest: Option<&str>) -> String {
    let encode = |text: &str| BASE64.encode(text.as_bytes());
    // Not when it was taken: clocks of booths are what they are, and a photo of the future would be refused.
    let key = key(parcel);
    let mut pairs = vec![("filename", parcel.seen.name.as_str()), ("idempotencykey", key.as_str())];
    pairs.extend(parcel.event.as_deref().map(|event| ("event", event)));
    pairs.extend(guest.map(|guest| ("guest", guest)));
    let pairs: Vec<String> = pairs.into_iter().map(|(key, value)| format!("{key} {}", encode(value))).collect();
    pairs.join(",")
}

/// The guest beside the photo, if there is one.
fn guest(path: &Path) -> io::Result<Option<String>> {
    let file = match std::fs::File::open(sidecar(path)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(SIDECAR_MOST + 1).read_to_end(&mut bytes)?;
    // What is no text is refused by the server, with the words that it has for that.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// Bytes of the file from an offset; `None` if it is not the file that it was.
fn slice(parcel: &Parcel, offset: u64) -> io::Result<Option<Bytes>> {
    let mut file = std::fs::File::open(&parcel.path)?;
    let facts = file.metadata()?;
    if facts.len() != parcel.seen.size || changed_at(&facts)? != parcel.seen.changed_at {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(parcel.slice as u64).read_to_end(&mut bytes)?;
    Ok(Some(bytes.into()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn offset(headers: &HeaderMap) -> Option<u64> {
    header(headers, "upload-offset")?.parse().ok()
}

/// What a refusal means for whoever waits.
fn refused(answer: &Answer) -> Outcome {
    let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| problem.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let (code, title) = (text("code"), text("title"));
    let fields = problem.get("errors").and_then(serde_json::Value::as_array).into_iter().flatten();
    let fields: Vec<String> = fields
        .filter_map(|field| Some(format!("{}: {}", field.get("field")?.as_str()?, field.get("detail")?.as_str()?)))
        .collect();
    let detail = [vec![title], fields].concat().join(" ");
    let why = format!("the server answered {} {detail}", answer.status);
    match answer.status {
        401 | 403 | 404 | 412 => Outcome::Barred { why },
        // A proxy, a page of a hotel's network, another server: only ours names a code, and only ours refuses a file.
        400 | 413 | 415 | 422 if !code.is_empty() => Outcome::Refused { code, detail },
        _ => Outcome::Again { why, moved: false },
    }
}

impl Parcel {
    /// Uploads what is missing. `begun` is told the address of an upload before its bytes are sent.
    pub(super) async fn upload(mut self, client: &Client, begun: impl Fn(&str)) -> Outcome {
        match self.attempt(client, &begun).await {
            Ok(outcome) => outcome,
            Err(Stop::Away(Away(why))) => Outcome::Again { why, moved: self.moved },
            Err(Stop::File(error)) if error.kind() == io::ErrorKind::NotFound => Outcome::Changed,
            Err(Stop::File(error)) => Outcome::Again { why: format!("{}: {error}", self.seen.name), moved: false },
        }
    }

    async fn attempt(&mut self, client: &Client, begun: &impl Fn(&str)) -> Result<Outcome, Stop> {
        let (upload, mut at) = match self.upload.take() {
            None => match self.begin(client).await? {
                Ok(upload) => {
                    begun(&upload);
                    (upload, 0)
                }
                Err(outcome) => return Ok(outcome),
            },
            Some(upload) => {
                let answer = client.send(Method::HEAD, &upload, &self.token, &[], Bytes::new()).await?;
                match (answer.status, offset(&answer.headers)) {
                    (200, Some(offset)) => {
                        if let Some(capture) = header(&answer.headers, "shutterpost-capture") {
                            return Ok(Outcome::Done { capture: capture.to_owned() });
                        }
                        (upload, offset)
                    }
                    // It is over, or was another server's: begin anew, under the same key.
                    (404 | 410, _) => match self.begin(client).await? {
                        Ok(upload) => {
                            begun(&upload);
                            (upload, 0)
                        }
                        Err(outcome) => return Ok(outcome),
                    },
                    // A HEAD says no reasons.
                    _ => return self.described(client, &upload, answer).await,
                }
            }
        };
        loop {
            let Some(bytes) = slice(self, at)? else { return Ok(Outcome::Changed) };
            let headers = [
                ("content-type", "application/offset+octet-stream".to_owned()),
                ("upload-offset", at.to_string()),
                ("upload-checksum", format!("sha256 {}", BASE64.encode(&Sha256::digest(&bytes)))),
            ];
            let answer = client.send(Method::PATCH, &upload, &self.token, &headers, bytes).await?;
            let Some(offset) = offset(&answer.headers).filter(|_| answer.status == 204) else {
                return Ok(match refused(&answer) {
                    // The upload went in this moment; whether anything else is wrong shows when another is begun.
                    Outcome::Barred { why } if answer.status == 404 => Outcome::Again { why, moved: false },
                    other => other,
                });
            };
            if let Some(capture) = header(&answer.headers, "shutterpost-capture") {
                return Ok(Outcome::Done { capture: capture.to_owned() });
            }
            if offset <= at {
                return Ok(Outcome::Again { why: "the server took no bytes".to_owned(), moved: false });
            }
            at = offset;
            self.moved = true;
        }
    }

    /// Begins an upload; gives its address.
    async fn begin(&self, client: &Client) -> Result<Result<String, Outcome>, Stop> {
        let guest = guest(&self.path)?;
        let headers =
            [("upload-length", self.seen.size.to_string()), ("upload-metadata", metadata(self, guest.as_deref()))];
        let answer = client.send(Method::POST, PATH, &self.token, &headers, Bytes::new()).await?;
        // Only a path of the server's own: nobody sends us elsewhere.
        let place = header(&answer.headers, "location").filter(|place| place.starts_with(PATH));
        match place.filter(|_| answer.status == 201) {
            Some(place) => Ok(Ok(place.to_owned())),
            None => Ok(Err(refused(&answer))),
        }
    }

    /// Why an upload is refused that a HEAD said no to.
    async fn described(&self, client: &Client, upload: &str, head: Answer) -> Result<Outcome, Stop> {
        let answer = client.send(Method::GET, upload, &self.token, &[], Bytes::new()).await?;
        let found: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = |name: &str| found.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        if answer.status == 200 && text("status") == "refused" {
            return Ok(Outcome::Refused { code: text("code"), detail: text("detail") });
        }
        Ok(refused(&if answer.status == 200 { head } else { answer }))
    }
}

/// What ends an attempt.
enum Stop {
    Away(Away),
    File(io::Error),
}

impl From<Away> for Stop {
    fn from(away: Away) -> Self {
        Self::Away(away)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}
