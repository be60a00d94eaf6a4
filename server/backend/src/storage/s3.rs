//! A bucket in S3, or in a service that speaks like it: `s3://BUCKET/PREFIX?region=REGION`, with `&endpoint=https://…`
//! for one that is not AWS's own. Credentials are found as those for root keys in AWS KMS are. Stored objects and backups
//! go through it alike.
//!
//! The requests go over the HTTP and TLS that the client of AWS KMS brought along; the one that `object_store` can bring
//! would be a second of each.

mod own;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_kms::config::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::rt::TokioExecutor;
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::client::{
    ClientOptions, CredentialProvider, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest,
    HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::roots::is_safe_endpoint;

pub(crate) use own::{Own, Versioning};

/// For one request with its answer, of which there are some when it fails.
const REQUEST: Duration = Duration::from_secs(20);
/// Credentials of a machine's role change within the hour, and are given out some minutes before.
const ASK_AGAIN: Duration = Duration::from_secs(240);

/// How a request that fails is repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Requests at most.
    pub(crate) attempts: usize,
    /// None is begun later than this after the first.
    pub(crate) within: Duration,
    /// Before the second; later ones wait longer.
    pub(crate) first_wait: Duration,
}

impl Patience {
    /// For backups, which come again by themselves.
    pub(crate) const BACKUP: Self =
        Self { attempts: 3, within: Duration::from_secs(40), first_wait: Duration::from_millis(100) };
    /// For stored objects, for which somebody waits and would have to send a photo again.
    pub(crate) const OBJECTS: Self =
        Self { attempts: 7, within: Duration::from_secs(30), first_wait: Duration::from_millis(100) };
    /// For tests, in which nobody is to wait.
    #[cfg(test)]
    pub(crate) const HASTE: Self =
        Self { attempts: 7, within: Duration::from_secs(30), first_wait: Duration::from_millis(2) };
    /// The longest wait between two requests.
    const LONGEST_WAIT: Duration = Duration::from_secs(5);
}

/// Where a bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Location {
    bucket: String,
    prefix: String,
    region: String,
    endpoint: Option<String>,
}

impl Location {
    fn parse(url: &str) -> Result<Self, &'static str> {
        const FORM: &str = "write s3://BUCKET/PREFIX?region=REGION";
        let url = Url::parse(url).map_err(|_| FORM)?;
        let bucket = url.host_str().filter(|bucket| !bucket.is_empty()).ok_or(FORM)?.to_owned();
        if !url.username().is_empty() || url.password().is_some() {
            return Err("credentials do not belong into the address; AWS's programs find them elsewhere");
        }
        let (mut region, mut endpoint) = (None, None);
        for (key, value) in url.query_pairs() {
            match &*key {
                "region" => region = Some(value.into_owned()),
                "endpoint" => endpoint = Some(value.into_owned()),
                _ => return Err("after ? there may be region and endpoint"),
            }
        }
        let region = region.filter(|region| !region.is_empty()).ok_or("the region is missing: ?region=eu-central-1")?;
        if endpoint.as_ref().is_some_and(|endpoint| !is_safe_endpoint(endpoint)) {
            return Err("the endpoint must begin with https://, or http:// on this machine");
        }
        if endpoint.as_ref().is_some_and(|endpoint| endpoint.contains('@')) {
            return Err("credentials do not belong into the endpoint; AWS's programs find them elsewhere");
        }
        Ok(Self { bucket, prefix: url.path().trim_matches('/').to_owned(), region, endpoint })
    }
}

/// A bucket: what `object_store` does with it, and what it has no words for.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) own: Own,
}

/// Opens a bucket, and asks nobody yet.
///
/// # Errors
/// What is wrong with the address, in words for the operator; never a part of it that may hold a secret.
pub(crate) fn open(url: &str, patience: Patience) -> Result<Bucket, String> {
    let Location { bucket, prefix, region, endpoint } = Location::parse(url)?;
    let credentials = Arc::new(Credentials { region: region.clone(), found: Mutex::default() });
    let backoff = BackoffConfig { init_backoff: patience.first_wait, max_backoff: Patience::LONGEST_WAIT, base: 2.0 };
    let retry = RetryConfig { max_retries: patience.attempts - 1, retry_timeout: patience.within, backoff };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket)
        .with_region(&region)
        .with_credentials(Arc::<Credentials>::clone(&credentials))
        .with_http_connector(Web)
        // Not every service that speaks like S3 knows how to delete many at once.
        .with_disable_bulk_delete(true)
        .with_retry(retry);
    if let Some(endpoint) = &endpoint {
        builder = builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(endpoint);
    }
    let store = builder.build().map_err(|error| error.to_string())?;
    let client = Web.connect(&ClientOptions::default()).map_err(|error| error.to_string())?;
    let endpoint = endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
    let address = format!("{}/{bucket}", endpoint.trim_end_matches('/'));
    let own = Own::new(client, address, &prefix, region, credentials, patience);
    let store: Arc<dyn ObjectStore> =
        if prefix.is_empty() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, prefix)) };
    Ok(Bucket { store, own })
}

/// Whether two addresses are of one bucket, so that what happens to it happens to both.
pub(crate) fn same_bucket(one: &str, other: &str) -> bool {
    match (Location::parse(one), Location::parse(other)) {
        (Ok(one), Ok(other)) => (one.bucket, one.endpoint) == (other.bucket, other.endpoint),
        _ => false,
    }
}

/// What AWS's programs find: variables of the environment, a profile, the role of a container or machine.
struct Credentials {
    region: String,
    found: Mutex<Option<Found>>,
}

struct Found {
    provider: SharedCredentialsProvider,
    last: Option<(Instant, Arc<AwsCredential>)>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl Credentials {
    async fn find(&self) -> Result<SharedCredentialsProvider, &'static str> {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let settings = aws_config::defaults(BehaviorVersion::v2026_01_12());
        let settings = settings.region(Region::new(self.region.clone())).http_client(http).load().await;
        settings.credentials_provider().ok_or("AWS's library knows no place to look for credentials")
    }
}

#[async_trait]
impl CredentialProvider for Credentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> object_store::Error {
            object_store::Error::Generic { store: "S3", source: error.into() }
        }
        let mut found = self.found.lock().await;
        let Found { provider, last } = match &mut *found {
            Some(found) => found,
            none => none.insert(Found { provider: self.find().await.map_err(failed)?, last: None }),
        };
        if let Some((at, credential)) = last
            && at.elapsed() < ASK_AGAIN
        {
            return Ok(Arc::clone(credential));
        }
        let given = provider.provide_credentials().await.map_err(failed)?;
        let credential = Arc::new(AwsCredential {
            key_id: given.access_key_id().to_owned(),
            secret_key: given.secret_access_key().to_owned(),
            token: given.session_token().map(str::to_owned),
        });
        *last = Some((Instant::now(), Arc::clone(&credential)));
        Ok(credential)
    }
}

/// Makes the client.
#[derive(Debug)]
struct Web;

impl HttpConnector for Web {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let tls = HttpsConnectorBuilder::new().with_native_roots();
        let tls = tls.map_err(|error| object_store::Error::Generic { store: "S3", source: error.into() })?;
        let connector = tls.https_or_http().enable_http1().build();
        Ok(HttpClient::new(Requests(Client::builder(TokioExecutor::new()).build(connector))))
    }
}

#[derive(Debug)]
struct Requests(Client<HttpsConnector<Tcp>, HttpRequestBody>);

#[async_trait]
impl HttpService for Requests {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = async {
            let answer = self.0.request(request).await.map_err(|error| {
                let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request };
                HttpError::new(kind, error)
            })?;
            let (head, body) = answer.into_parts();
            // All of it within the time: a body that never ends would hold its call for ever.
            let body = body.collect().await.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))?;
            Ok(HttpResponse::from_parts(head, HttpResponseBody::from(body.to_bytes())))
        };
        match tokio::time::timeout(REQUEST, answer).await {
            Ok(outcome) => outcome,
            Err(late) => Err(HttpError::new(HttpErrorKind::Timeout, late)),
        }
    }
}

/// Makes a bucket in a moto, which asks for no signature; one that keeps versions if wanted.
#[cfg(test)]
pub(crate) async fn make_bucket(endpoint: &str, bucket: &str, versioned: bool) {
    let client = Web.connect(&ClientOptions::default()).expect("connects");
    let put = async |address: String, body: &'static str| {
        let mut request = HttpRequest::new(HttpRequestBody::from(body.to_owned()));
        *request.method_mut() = http::Method::PUT;
        *request.uri_mut() = address.parse().expect("is an address");
        let answer = client.execute(request).await.expect("moto answers");
        assert!(answer.status().is_success(), "{}", answer.status());
    };
    put(format!("{endpoint}/{bucket}"), "").await;
    if versioned {
        let enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        put(format!("{endpoint}/{bucket}?versioning"), enabled).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_bucket_prefix_region_and_endpoint() {
        let location = Location::parse("s3://photos/a/b?region=eu-central-1").expect("reads");
        let expected = ("photos", "a/b", "eu-central-1", None);
        assert_eq!((&*location.bucket, &*location.prefix, &*location.region, location.endpoint), expected);
        let location = Location::parse("s3://photos?region=auto&endpoint=https://s3.example").expect("reads");
        assert_eq!((&*location.prefix, location.endpoint.as_deref()), ("", Some("https://s3.example")));
        for (wrong, word) in [
            ("s3://photos/a", "region"),
            ("s3:///a?region=x", "BUCKET"),
            ("s3://key:secret@photos?region=x", "credentials"),
            ("s3://photos?region=x&colour=red", "region and endpoint"),
            ("s3://photos?region=x&endpoint=http://s3.example", "https://"),
            ("s3://photos?region=x&endpoint=https://key:secret@s3.example", "credentials"),
        ] {
            let refused = Location::parse(wrong).expect_err(wrong);
            assert!(refused.contains(word), "{wrong}: {refused}");
        }
    }
}
