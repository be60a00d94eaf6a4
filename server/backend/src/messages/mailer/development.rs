//! Where mails go while no mail server is configured: into files that the developer can look at.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use shutterpost_model::messages::{FailureReason, OutboxMail, RenderedMail};
use shutterpost_model::pii::Purpose;
use tokio::fs;

use super::{Envelope, Mailer};
use crate::error::Failure;

/// Keeps each mail as a JSON file ([`OutboxMail`]) named after its Message-ID, so that a repeated attempt replaces the
/// first, as a mail server does with duplicates.
#[derive(Debug, Clone)]
pub struct OutboxMailer {
    folder: PathBuf,
}

impl OutboxMailer {
    /// Mails go to `folder`, which is made (for its owner alone) when the first one comes.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// All mails, newest last.
    pub async fn list(&self) -> Result<Vec<OutboxMail>, Failure> {
        let mut entries = match fs::read_dir(&self.folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut mails: Vec<OutboxMail> = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            let path = entry.path();
            // Others are being written, or not ours.
            if path.extension().is_some_and(|extension| extension == "json") {
                mails.push(serde_json::from_slice(&fs::read(&path).await?)?);
            }
        }
        mails.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        Ok(mails)
    }

    async fn keep(&self, mail: &OutboxMail) -> Result<(), Failure> {
        make_folder(&self.folder).await?;
        let name = file_name(&mail.id);
        let unfinished = self.folder.join(format!("{name}.part"));
        fs::write(&unfinished, serde_json::to_vec_pretty(mail)?).await?;
        // A file that can be listed is whole.
        fs::rename(&unfinished, self.folder.join(format!("{name}.json"))).await?;
        Ok(())
    }
}

/// The part of a Message-ID before the host, as far as it is harmless in a file name.
fn file_name(message_id: &str) -> String {
    let id = message_id.split('@').next().unwrap_or_default();
    id.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')).collect()
}

async fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).await
}

#[async_trait]
impl Mailer for OutboxMailer {
    async fn send(&self, envelope: &Envelope, mail: RenderedMail) -> Result<(), FailureReason> {
        let RenderedMail { subject, text, html } = mail;
        let mail = OutboxMail {
            id: envelope.message_id.clone(),
            at: envelope.at,
            to: envelope.to.clone().disclose(Purpose::Delivery),
            subject: subject.disclose(Purpose::Delivery),
            text: text.disclose(Purpose::Delivery),
            html: html.disclose(Purpose::Delivery),
        };
        self.keep(&mail).await.map_err(|failure| {
            tracing::warn!(error.cause = ?failure, "a mail could not be kept in the outbox");
            FailureReason::Internal
        })
    }
}
