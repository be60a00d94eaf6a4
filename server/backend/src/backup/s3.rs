//! A target in S3, or in a service that speaks like it: `s3://BUCKET/PREFIX?region=REGION`, with `&endpoint=https://…`
//! for one that is not AWS's own. Credentials are found as those for root keys in AWS KMS are.
//!
//! The requests go over the HTTP and TLS that the client of AWS KMS brought along; the one that `object_store` can bring
//! would be a second of each.

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
use object_store::{ObjectStore, RetryConfig};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::roots::is_safe_endpoint;

/// For one request with its answer, of which there are some when it fails.
const REQUEST: Duration = Duration::from_secs(20);
const ATTEMPTS: usize = 3;
/// Credentials of a machine's role change within the hour, and are given out some minutes before.
const ASK_AGAIN: Duration = Duration::from_secs(240);

/// Where a target is.
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
        Ok(Self { bucket, prefix: url.path().trim_matches('/').to_owned(), region, endpoint })
    }
}

/// Opens a bucket, and asks nobody yet.
pub(super) fn open(url: &str) -> Result<Arc<dyn ObjectStore>, String> {
    let Location { bucket, prefix, region, endpoint } = Location::parse(url)?;
    let retry = RetryConfig { max_retries: ATTEMPTS - 1, retry_timeout: REQUEST * 2, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region.clone())
        .with_credentials(Arc::new(Credentials { region, found: Mutex::default() }))
        .with_http_connector(Web)
        // Not every service that speaks like S3 knows how to delete many at once.
        .with_disable_bulk_delete(true)
        .with_retry(retry);
    if let Some(endpoint) = endpoint {
        builder = builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(endpoint);
    }
    let store = builder.build().map_err(|error| error.to_string())?;
    if prefix.is_empty() { Ok(Arc::new(store)) } else { Ok(Arc::new(PrefixStore::new(store, prefix))) }
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

/// Makes a bucket in a moto, which asks for no signature.
#[cfg(test)]
pub(super) async fn make_bucket(endpoint: &str, bucket: &str) {
    let client = Web.connect(&ClientOptions::default()).expect("connects");
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = "PUT".parse().expect("is a method");
    *request.uri_mut() = format!("{endpoint}/{bucket}").parse().expect("is an address");
    let answer = client.execute(request).await.expect("moto answers");
    assert!(answer.status().is_success(), "{}", answer.status());
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
        ] {
            let refused = Location::parse(wrong).expect_err(wrong);
            assert!(refused.contains(word), "{wrong}: {refused}");
        }
    }
}
