//! Erasures as stored.

use diesel::prelude::*;
use shutterpost_model::id::OrganisationId;
use shutterpost_model::privacy::{ErasureKind, ErasureTarget, ErasureView, ReceiptFacts, ReceiptFault, ReceiptView};
use shutterpost_model::time::Millis;
use shutterpost_vault::receipt::{self, Erased, Receipt, ReceiptError};
use shutterpost_vault::sign::PublicKey;

use crate::error::Failure;
use crate::events::rows::stored;
use crate::schema::privacy_erasures;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = privacy_erasures)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct ErasureRow {
    pub(super) id: String,
    pub(super) organisation_id: String,
    pub(super) kind: String,
    pub(super) object: String,
    pub(super) requested_at: i64,
    pub(super) receipt: Option<String>,
    pub(super) finished_at: Option<i64>,
}

impl ErasureRow {
    pub(super) fn organisation(&self) -> Result<OrganisationId, Failure> {
        stored(&self.organisation_id)
    }

    fn kind(&self) -> Result<ErasureKind, Failure> {
        ErasureKind::from_name(&self.kind).ok_or_else(|| Failure::Internal("a stored erasure's kind".into()))
    }

    pub(super) fn target(&self) -> Result<ErasureTarget, Failure> {
        ErasureTarget::parse(self.kind()?, &self.object)
            .map_err(|_| Failure::Internal("a stored erasure's object".into()))
    }

    pub(super) fn into_view(self, public: &PublicKey) -> Result<ErasureView, Failure> {
        let kind = self.kind()?;
        let Self { id, organisation_id: _, kind: _, object, requested_at, receipt, finished_at } = self;
        let receipt = receipt.map(|text| {
            // Signed here: one that does not verify was changed in the database, or the key file is another.
            let facts =
                verify(&text, public).map_err(|fault| Failure::Internal(format!("a stored receipt: {fault:?}")))?;
            Ok::<_, Failure>(ReceiptView { text, facts })
        });
        Ok(ErasureView {
            id: stored(&id)?,
            kind,
            object,
            requested_at: Millis(requested_at),
            finished_at: finished_at.map(Millis),
            receipt: receipt.transpose()?,
        })
    }
}

/// What a receipt of this installation says.
pub(super) fn verify(text: &str, public: &PublicKey) -> Result<ReceiptFacts, ReceiptFault> {
    let receipt = receipt::verify(text, public).map_err(|error| match error {
        ReceiptError::Newer { .. } => ReceiptFault::Newer,
        ReceiptError::OtherKey => ReceiptFault::OtherKey,
        ReceiptError::Refused => ReceiptFault::Refused,
        ReceiptError::Malformed | ReceiptError::Unfit { .. } => ReceiptFault::Malformed,
    })?;
    let Receipt { id, organisation, kind, object, destroyed, keys, erased_at, last_backup_unreadable_at } = receipt;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(ReceiptFacts {
        id,
        organisation,
        kind: match kind {
            Erased::Subject => ErasureKind::Guest,
            Erased::Capture => ErasureKind::Capture,
            Erased::Event => ErasureKind::Event,
            Erased::Organisation => ErasureKind::Organisation,
        },
        object,
        destroyed: destroyed.into_iter().map(|(name, count)| (name, number(count))).collect(),
        keys: number(keys.count()),
        erased_at: Millis(erased_at),
        last_backup_unreadable_at: Millis(last_backup_unreadable_at),
    })
}

/// How the receipt names a kind.
pub(super) const fn erased(kind: ErasureKind) -> Erased {
    match kind {
        ErasureKind::Guest => Erased::Subject,
        ErasureKind::Capture => Erased::Capture,
        ErasureKind::Event => Erased::Event,
        ErasureKind::Organisation => Erased::Organisation,
    }
}
