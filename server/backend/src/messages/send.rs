//! Sending a message: the handler of its job.
//!
//! Two transactions with the sending between them. The first checks the lease, gathers the letter and writes that an
//! attempt begins; the second writes how it ended together with the end or the return of the job. A crash before the
//! first or after the second changes nothing; a crash in between leaves a job whose lease ends, and the next attempt
//! carries the same Message-ID, so that a server which took the first one can tell.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shutterpost_model::id::{CaptureId, DeliveryId, MessageId, OrganisationId};
use shutterpost_model::language::Language;
use shutterpost_model::messages::{DeliveryState, FailureReason, MailWriter, RenderedMail};
use shutterpost_model::time::Millis;
use tokio::time::sleep;

use super::letter::{self, Desk, Letter};
use super::mailer::{Envelope, Mailer, host_of};
use super::queries::{self, Standing};
use super::rows::Message;
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::jobs::queue::{self, Job};
use crate::jobs::worker::{Handler, Outcome};
use crate::services::Deps;

/// Attempts until a message is given up.
pub(super) const ATTEMPTS: i32 = 12;
/// Tries to write how an attempt ended; with doubled waits between them they span most of a minute.
const RECORD_TRIES: u32 = 10;
const RECORD_WAIT: Duration = Duration::from_millis(100);

/// Handles `SendMessage`.
pub(crate) struct SendMessage {
    deps: Deps,
    mailer: Arc<dyn Mailer>,
    writer: Arc<dyn MailWriter>,
}

/// What the first transaction found.
enum Start {
    /// Nothing to send: the message is gone, done or given up and so is its job, or somebody else has the job now.
    Over,
    Ready(Box<Attempt>),
}

/// An attempt that was begun.
struct Attempt {
    delivery: DeliveryId,
    begun: Begun,
    language: Language,
    letter: Letter,
    at: Millis,
}

/// What the end of an attempt needs to know of its beginning.
#[derive(Debug, Clone)]
struct Begun {
    message: MessageId,
    organisation: Option<OrganisationId>,
    capture: Option<CaptureId>,
    generation: i32,
}

impl SendMessage {
    pub(crate) const fn new(deps: Deps, mailer: Arc<dyn Mailer>, writer: Arc<dyn MailWriter>) -> Self {
        Self { deps, mailer, writer }
    }

    /// The first transaction.
    async fn start(&self, permit: Permit, id: MessageId, job: Job) -> Result<Start, Failure> {
        let Deps { db, world, keys, keystore, storage: _, providers: _, origin } = self.deps.clone();
        write_tx!(db, tx => {
            let message = queries::lock_for_job(tx, &permit, &id).await?;
            if !queue::hold(tx, &world, &job).await? {
                return Ok(Start::Over);
            }
            let Some(message) = message.filter(|message| message.state == DeliveryState::Queued) else {
                queue::finish(tx, &job).await?;
                return Ok(Start::Over);
            };
            let now = world.now();
            let begun = Begun::of(&message);
            // More claims than attempts: whatever ended the last ones ended this process, too.
            if job.attempts > ATTEMPTS {
                fail(tx, &permit, &job, &begun, FailureReason::Internal).await?;
                return Ok(Start::Over);
            }
            let desk = Desk { permit: &permit, keys: &keys, keystore: &keystore, origin: &origin, now };
            let Some(letter) = letter::gather(tx, desk, &message).await? else {
                fail(tx, &permit, &job, &begun, FailureReason::Gone).await?;
                return Ok(Start::Over);
            };
            let delivery = world.id(DeliveryId::new);
            queries::begin_delivery(tx, &permit, &message, &delivery, job.attempts, now).await?;
            Ok(Start::Ready(Box::new(Attempt { delivery, begun, language: message.language, letter, at: now })))
        })
    }

    async fn attempt(&self, attempt: Attempt) -> Result<(), FailureReason> {
        let Attempt { delivery: _, begun, language, letter, at } = attempt;
        let Letter { to, sender, mail } = letter;
        // A template that panics over one message must not look like a broken worker.
        let written: Result<RenderedMail, _> = catch_unwind(AssertUnwindSafe(|| self.writer.write(&mail, language)));
        let Ok(written) = written else {
            tracing::error!(message.id = begun.message.as_str(), "a mail could not be written");
            return Err(FailureReason::Internal);
        };
        let message_id = message_id(&begun.message, begun.generation, host_of(&self.deps.origin));
        self.mailer.send(&Envelope { message_id, to, sender, at }, written).await
    }

    /// The second transaction, tried until it succeeds: forgetting that a message was sent would send it twice.
    async fn record(
        &self,
        permit: Permit,
        job: &Job,
        delivery: &DeliveryId,
        begun: &Begun,
        result: Result<(), FailureReason>,
    ) -> Result<(), Failure> {
        let mut tries = 1;
        loop {
            match self.record_once(permit, job.clone(), delivery.clone(), begun.clone(), result).await {
                Err(failure) if tries < RECORD_TRIES => {
                    tracing::warn!(message.id = begun.message.as_str(), error.cause = ?failure, "a delivery was not recorded yet");
                    sleep(RECORD_WAIT * 2u32.saturating_pow(tries - 1)).await;
                    tries += 1;
                }
                ended => return ended,
            }
        }
    }

    async fn record_once(
        &self,
        permit: Permit,
        job: Job,
        delivery: DeliveryId,
        begun: Begun,
        result: Result<(), FailureReason>,
    ) -> Result<(), Failure> {
        let world = self.deps.world.clone();
        write_tx!(self.deps.db, tx => {
            let now = world.now();
            // The message first, as in all transactions that touch both, so that no two wait for each other.
            queries::lock_for_job(tx, &permit, &begun.message).await?;
            queries::end_delivery(tx, &permit, &delivery, result, now).await?;
            match result {
                Ok(()) => {
                    queue::finish(tx, &job).await?;
                    settle(tx, &permit, &begun, Standing::Sent(now)).await
                }
                Err(reason) if reason.is_passing() && job.attempts < ATTEMPTS => {
                    let until = queue::back_off(&world, job.attempts);
                    if queue::put_back(tx, &job, until, job.attempts).await? {
                        settle(tx, &permit, &begun, Standing::Waiting { reason, until }).await?;
                    }
                    Ok(())
                }
                Err(reason) => {
                    if queue::give_up(tx, &job).await? {
                        settle(tx, &permit, &begun, Standing::Failed(reason)).await?;
                    }
                    Ok(())
                }
            }
        })
    }
}

impl Begun {
    fn of(message: &Message) -> Self {
        Self {
            message: message.id.clone(),
            organisation: message.organisation.clone(),
            capture: message.capture.clone(),
            generation: message.generation,
        }
    }
}

/// The Message-ID without its angle brackets: the same for every attempt, another after "send again".
fn message_id(message: &MessageId, generation: i32, host: &str) -> String {
    match generation {
        0 => format!("{message}@{host}"),
        _ => format!("{message}.{generation}@{host}"),
    }
}

/// Gives the message up without an attempt. The job goes in the same transaction: left for later, its deletion could
/// meet a "send again" that relies on it.
async fn fail(tx: &mut Tx, permit: &Permit, job: &Job, begun: &Begun, reason: FailureReason) -> Result<(), Failure> {
    queue::finish(tx, job).await?;
    settle(tx, permit, begun, Standing::Failed(reason)).await
}

/// Writes how the message stands, also on its capture.
async fn settle(tx: &mut Tx, permit: &Permit, begun: &Begun, standing: Standing) -> Result<(), Failure> {
    queries::stand(tx, permit, &begun.message, begun.generation, standing).await?;
    match (&begun.organisation, &begun.capture) {
        (Some(organisation), Some(capture)) => {
            let scope = OrgScope::of_job(permit, organisation.clone());
            queries::mark_capture(tx, &scope, capture).await
        }
        _ => Ok(()),
    }
}

#[async_trait]
impl Handler for SendMessage {
    async fn run(&self, permit: &Permit, job: &Job) -> Result<Outcome, Failure> {
        let id = job.subject.parse().map_err(|error| Failure::internal("subject of a job", error))?;
        match self.start(*permit, id, job.clone()).await? {
            Start::Over => Ok(Outcome::Settled),
            Start::Ready(attempt) => {
                let (delivery, begun) = (attempt.delivery.clone(), attempt.begun.clone());
                let result = self.attempt(*attempt).await;
                let outcome = result.err().map_or("taken", FailureReason::as_str);
                tracing::info!(
                    message.id = begun.message.as_str(),
                    delivery.attempt = job.attempts,
                    delivery.outcome = outcome,
                    "attempt to send"
                );
                self.record(*permit, job, &delivery, &begun, result).await?;
                Ok(Outcome::Settled)
            }
        }
    }
}
