//! Roots in AWS KMS, or a service that speaks like it. Each generation is a KMS key of its own, which never leaves the
//! service, found by its alias `alias/PREFIX-root-NUMBER`. What is bound goes in as encryption context, hashed, because the
//! context stands in AWS's logs.
//!
//! Destroying is `ScheduleKeyDeletion` with the shortest window, seven days: from then on the key does nothing, but whoever
//! may call `CancelKeyDeletion` could still bring it back. It is final when the window ends, not before.
//!
//! An alias belongs to one key, so of two processes that create a generation at once one is told so. KMS removes the alias
//! with the key; numbers only rise, so a number without a key below another one counts as destroyed.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeyState, Tag};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use shutterpost_vault::keys::Random;
use shutterpost_vault::root::{RootError, Roots};
use tokio::runtime::{self, Runtime};
use zeroize::Zeroizing;

const MAGIC: [u8; 2] = *b"sR";
const VERSION: u8 = 1;
const AWS_KMS: u8 = 3;
const HEADER_BYTES: usize = 8;
const CHECK_BYTES: usize = 16;
/// AWS takes nothing shorter.
const WINDOW_DAYS: i32 = 7;
/// What the encryption context is called.
const CONTEXT: &str = "shutterpost";
const CONNECT: Duration = Duration::from_secs(2);
/// For one attempt of one request, of which there are three.
const ATTEMPT: Duration = Duration::from_secs(3);
const REQUEST: Duration = Duration::from_secs(8);
/// For one call of [`Roots`], which may take several requests.
const CALL: Duration = Duration::from_secs(15);
/// A new alias is not seen everywhere at once.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Where the service and the keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Such as `eu-central-1`.
    pub region: String,
    /// How the aliases of this installation's keys begin. Another installation in the same account and region needs another
    /// one.
    pub prefix: String,
    /// URL of a service that is not AWS's own.
    pub endpoint: Option<String>,
}

/// The backend.
pub struct KmsRoots {
    client: Client,
    stem: String,
    /// Of its own, because the calls of [`Roots`] wait. `None` only while it is dropped.
    runtime: Option<Runtime>,
}

/// A generation's key, as the service knows it.
enum Found {
    Nothing,
    /// Its id.
    Living(String),
    Destroyed,
}

/// Why the service did not do what was asked.
enum Refusal {
    NotFound,
    AlreadyExists,
    WrongCiphertext,
    Other(RootError),
}

impl From<Refusal> for RootError {
    fn from(refusal: Refusal) -> RootError {
        let text = match refusal {
            Refusal::Other(error) => return error,
            Refusal::NotFound => "a key went away meanwhile",
            Refusal::AlreadyExists => "an alias is there already",
            Refusal::WrongCiphertext => return RootError::Refused,
        };
        RootError::Unavailable { reason: format!("AWS KMS: {text}") }
    }
}

impl KmsRoots {
    /// Finds credentials as every program of AWS's does (environment, profile, role of the machine or container) and makes
    /// sure that the service answers. Blocks: call it off the async threads, as everything here.
    ///
    /// # Errors
    /// [`RootError`], whose text tells the operator what to do.
    pub fn open(location: &Location) -> Result<KmsRoots, RootError> {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).thread_name("kms").enable_all().build();
        let runtime =
            runtime.map_err(|error| RootError::Unavailable { reason: format!("no thread for AWS KMS: {error}") })?;
        // The same TLS and the same crypto as for mail.
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let limits = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(REQUEST)
            .build();
        let mut settings = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new(location.region.clone()))
            .http_client(http)
            .timeout_config(limits)
            .retry_config(RetryConfig::standard().with_max_attempts(3));
        if let Some(endpoint) = &location.endpoint {
            settings = settings.endpoint_url(endpoint);
        }
        let client = Client::new(&runtime.block_on(settings.load()));
        let roots = KmsRoots { client, stem: format!("alias/{}-root-", location.prefix), runtime: Some(runtime) };
        roots.call(roots.numbers())?;
        Ok(roots)
    }

    /// Waits for an answer, but not for ever.
    fn call<T>(&self, call: impl Future<Output = Result<T, RootError>>) -> Result<T, RootError> {
        let late = || RootError::Unavailable { reason: format!("AWS KMS took longer than {} s", CALL.as_secs()) };
        let runtime = self.runtime.as_ref().ok_or_else(late)?;
        runtime.block_on(async { tokio::time::timeout(CALL, call).await }).unwrap_or_else(|_| Err(late()))
    }

    fn alias(&self, generation: u32) -> String {
        format!("{}{generation:010}", self.stem)
    }

    /// Generations that have an alias, destroyed or not.
    async fn numbers(&self) -> Result<BTreeSet<u32>, RootError> {
        let mut numbers = BTreeSet::new();
        let mut pages = self.client.list_aliases().limit(100).into_paginator().items().send();
        while let Some(alias) = pages.next().await {
            let alias = alias.map_err(|error| refusal("ListAliases", error))?;
            let digits = alias.alias_name().and_then(|name| name.strip_prefix(&self.stem));
            let digits = digits.filter(|digits| digits.len() == 10);
            numbers.extend(digits.and_then(|digits| digits.parse::<u32>().ok()));
        }
        Ok(numbers)
    }

    async fn find(&self, generation: u32) -> Result<Found, RootError> {
        let alias = self.alias(generation);
        let described = match self.client.describe_key().key_id(&alias).send().await {
            Ok(described) => described,
            Err(error) => match refusal("DescribeKey", error) {
                Refusal::NotFound => return Ok(Found::Nothing),
                other => return Err(other.into()),
            },
        };
        let about = described.key_metadata();
        match about.and_then(|about| about.key_state()) {
            Some(KeyState::Enabled) => Ok(Found::Living(about.map(|about| about.key_id().to_owned()).unwrap_or(alias))),
            Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion) => Ok(Found::Destroyed),
            Some(KeyState::Disabled) => {
                Err(RootError::Unusable { reason: format!("the KMS key of {alias} is disabled; enable it") })
            }
            state => {
                let state = state.map_or("unknown", KeyState::as_str);
                Err(RootError::Unavailable { reason: format!("the KMS key of {alias} is {state}") })
            }
        }
    }

    /// The same, with what its absence means.
    async fn find_living(&self, generation: u32) -> Result<String, RootError> {
        match self.find(generation).await? {
            Found::Living(id) => Ok(id),
            Found::Destroyed => Err(RootError::Destroyed { generation }),
            Found::Nothing if self.is_past(generation).await? => Err(RootError::Destroyed { generation }),
            Found::Nothing => Err(RootError::Unknown { generation }),
        }
    }

    async fn is_past(&self, generation: u32) -> Result<bool, RootError> {
        Ok(self.numbers().await?.into_iter().any(|other| other > generation))
    }

    async fn create_key(&self, generation: u32) -> Result<(), RootError> {
        match self.find_living(generation).await {
            Err(RootError::Unknown { .. }) => {}
            Err(other) => return Err(other),
            Ok(_) => return Err(RootError::Exists { generation }),
        }
        let alias = self.alias(generation);
        let tag = Tag::builder().tag_key("shutterpost-root").tag_value(alias.trim_start_matches("alias/")).build();
        let tag = tag.map_err(|error| RootError::Unusable { reason: error.to_string() })?;
        let description = format!("Shutterpost root key, generation {generation}");
        let made = self.client.create_key().description(description).tags(tag).send().await;
        let made = made.map_err(|error| refusal("CreateKey", error))?;
        let id = made.key_metadata().map(|about| about.key_id().to_owned()).unwrap_or_default();
        let named = self.client.create_alias().alias_name(&alias).target_key_id(&id).send().await;
        if let Err(error) = named {
            let refused = refusal("CreateAlias", error);
            // Nobody has seen it, so nothing is wrapped under it.
            self.schedule_deletion(&id).await?;
            return match refused {
                Refusal::AlreadyExists => match self.find_living(generation).await {
                    Err(RootError::Destroyed { .. }) => Err(RootError::Destroyed { generation }),
                    _ => Err(RootError::Exists { generation }),
                },
                other => Err(other.into()),
            };
        }
        while !matches!(self.find(generation).await?, Found::Living(_)) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    async fn schedule_deletion(&self, id: &str) -> Result<(), RootError> {
        let scheduled = self.client.schedule_key_deletion().key_id(id).pending_window_in_days(WINDOW_DAYS).send().await;
        match scheduled.map_err(|error| refusal("ScheduleKeyDeletion", error)) {
            Ok(_) | Err(Refusal::NotFound) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }
}

impl Roots for KmsRoots {
    fn name(&self) -> &'static str {
        "awskms"
    }

    fn generations(&self) -> Result<Vec<u32>, RootError> {
        self.call(async {
            let mut living = Vec::new();
            for generation in self.numbers().await? {
                if matches!(self.find(generation).await?, Found::Living(_)) {
                    living.push(generation);
                }
            }
            Ok(living)
        })
    }

    fn create(&self, generation: u32, _random: &mut Random<'_>) -> Result<(), RootError> {
        self.call(self.create_key(generation))
    }

    fn wrap(
        &self,
        generation: u32,
        context: &[u8],
        key: &[u8; 32],
        _random: &mut Random<'_>,
    ) -> Result<Vec<u8>, RootError> {
        self.call(async {
            let id = self.find_living(generation).await?;
            let request = self.client.encrypt().key_id(id).plaintext(Blob::new(key.as_slice()));
            let sealed = request.encryption_context(CONTEXT, bound(generation, context)).send().await;
            let sealed = sealed.map_err(|error| refusal("Encrypt", error))?;
            let blob = sealed.ciphertext_blob().map(Blob::as_ref).unwrap_or_default();
            let header = header(generation);
            Ok([&header[..], &check(&header, blob), blob].concat())
        })
    }

    fn unwrap(&self, generation: u32, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, RootError> {
        self.call(async {
            let id = self.find_living(generation).await?;
            let blob = blob(generation, wrapped).ok_or(RootError::Refused)?;
            let request = self.client.decrypt().key_id(id).ciphertext_blob(Blob::new(blob));
            let opened = request.encryption_context(CONTEXT, bound(generation, context)).send().await;
            let opened = opened.map_err(|error| refusal("Decrypt", error))?;
            let plain = Zeroizing::new(opened.plaintext.map(Blob::into_inner).unwrap_or_default());
            let mut key = Zeroizing::new([0; 32]);
            if plain.len() != key.len() {
                return Err(RootError::Refused);
            }
            key.copy_from_slice(&plain);
            Ok(key)
        })
    }

    fn destroy(&self, generation: u32) -> Result<(), RootError> {
        self.call(async {
            match self.find(generation).await? {
                Found::Living(id) => self.schedule_deletion(&id).await,
                Found::Nothing | Found::Destroyed => Ok(()),
            }
        })
    }

    fn days_of_grace(&self) -> i64 {
        WINDOW_DAYS.into()
    }
}

impl fmt::Debug for KmsRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KmsRoots")
    }
}

impl Drop for KmsRoots {
    /// A runtime must not be waited for on another's threads, where this may happen.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A wrapped key: `magic(2) | version(1) | algorithm(1) | generation(4) | check(16) |` what KMS gave.
fn header(generation: u32) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = generation.to_be_bytes();
    [MAGIC[0], MAGIC[1], VERSION, AWS_KMS, a, b, c, d]
}

/// Finds damage before KMS does, which answers some of it with "access denied", as if the set-up were wrong. No protection
/// against intent: that is KMS's part.
fn check(header: &[u8], blob: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new().chain_update(header).chain_update(blob).finalize();
    let mut check = [0; CHECK_BYTES];
    check.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    check
}

/// What KMS gave, if the wrapped key is whole and of this generation.
fn blob(generation: u32, wrapped: &[u8]) -> Option<&[u8]> {
    let header = header(generation);
    let (checked, blob) = wrapped.strip_prefix(&header)?.split_at_checked(CHECK_BYTES)?;
    (checked == check(&header, blob)).then_some(blob)
}

/// The encryption context: generation and context, hashed.
fn bound(generation: u32, context: &[u8]) -> String {
    let digest = Sha256::new().chain_update(b"spr1").chain_update(generation.to_be_bytes()).chain_update(context);
    HEXLOWER.encode(&digest.finalize())
}

fn refusal<E>(request: &str, error: SdkError<E>) -> Refusal
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error.code() {
        Some("NotFoundException") => return Refusal::NotFound,
        Some("AlreadyExistsException") => return Refusal::AlreadyExists,
        Some("InvalidCiphertextException" | "IncorrectKeyException") => return Refusal::WrongCiphertext,
        _ => {}
    }
    let set_up = match &error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_user(),
        _ => matches!(
            error.code(),
            Some(
                "AccessDeniedException"
                    | "InvalidClientTokenId"
                    | "InvalidSignatureException"
                    | "LimitExceededException"
                    | "UnrecognizedClientException"
                    | "ValidationException"
            )
        ),
    };
    let message = error.message().map(|message| format!(": {message}")).unwrap_or_default();
    let mut reason = format!("AWS KMS, {request}: {}{message}", chain(&error));
    if reason.contains("loading credentials") {
        reason.push_str(
            " (credentials come from AWS_ACCESS_KEY_ID and its like, ~/.aws, or a role; none of them served)",
        );
    }
    Refusal::Other(if set_up { RootError::Unusable { reason } } else { RootError::Unavailable { reason } })
}

/// The error and what caused it, for the operator.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
