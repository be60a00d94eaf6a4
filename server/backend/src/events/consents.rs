//! The wordings that guests agree to, by purpose and version. A version once shown is never changed.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::ConsentText;
use shutterpost_model::guests::{CONSENTS_MOST, purpose_fits};
use shutterpost_model::time::Millis;
use shutterpost_model::validate::{self, Check};

use super::rows::ConsentRow;
use super::scope::{EventScope, Tenant};
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::schema::events_consents;

/// Sending the photo; a refusal is obeyed.
pub(crate) const DELIVERY: &str = "delivery";

/// What a new event asks: purpose, English, German.
const SEEDS: [(&str, &str, &str); 2] = [
    (
        DELIVERY,
        "I would like to receive my photo by e-mail. My contact data are used for that alone and are deleted with the photo.",
        "Ich möchte mein Foto per E-Mail erhalten. Meine Kontaktdaten werden nur dafür verwendet und mit dem Foto gelöscht.",
    ),
    (
        "marketing",
        "I would like to receive news and offers by e-mail. I can withdraw this at any time.",
        "Ich möchte Neuigkeiten und Angebote per E-Mail erhalten. Das kann ich jederzeit widerrufen.",
    ),
];

/// The current version of every purpose, by purpose.
pub(crate) async fn current(conn: &mut Conn, scope: &EventScope) -> Result<Vec<ConsentRow>, Failure> {
    let mut rows = all(conn, scope).await?;
    // Newest version first within a purpose, so that `dedup` keeps it.
    rows.sort_by(|a, b| a.purpose.cmp(&b.purpose).then(b.version.cmp(&a.version)));
    rows.dedup_by(|later, kept| later.purpose == kept.purpose);
    Ok(rows)
}

/// Every version of every purpose.
pub(crate) async fn all(conn: &mut Conn, scope: &EventScope) -> Result<Vec<ConsentRow>, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(conn, c => events_consents::table
        .filter(events_consents::organisation_id.eq(organisation))
        .filter(events_consents::event_id.eq(event))
        .select(ConsentRow::as_select())
        .load(c).await)
}

/// Writes the first versions of a new event.
pub(super) async fn seed(tx: &mut Tx, organisation: &str, event: &str, now: Millis) -> Result<(), Failure> {
    for (purpose, english, german) in SEEDS {
        let row = ConsentRow {
            event_id: event.to_owned(),
            purpose: purpose.to_owned(),
            version: 1,
            organisation_id: organisation.to_owned(),
            english: english.to_owned(),
            german: german.to_owned(),
            created_at: now.0,
        };
        insert(tx, &row).await?;
    }
    Ok(())
}

/// The rules for what an admin writes.
pub(super) fn check(texts: &[ConsentText]) -> Result<(), AppError> {
    let mut check = Check::default();
    if texts.len() > CONSENTS_MOST {
        check.fail("purpose", Code::OutOfRange);
    }
    for (index, text) in texts.iter().enumerate() {
        let twice = texts.iter().take(index).any(|other| other.purpose == text.purpose);
        if twice || !purpose_fits(&text.purpose) {
            check.fail(format!("purpose.{index}"), Code::BadChoice);
        }
        for (field, wording) in [("english", &text.english), ("german", &text.german)] {
            let empty = wording.trim().is_empty();
            let rule = if empty { Err(Code::Required) } else { validate::paragraph(wording) };
            check.rule(format!("{field}.{index}"), rule);
        }
    }
    check.finish()
}

/// Adds a version where a wording differs from the current one; gives how many.
pub(super) async fn save(tx: &mut Tx, scope: &EventScope, texts: &[ConsentText], now: Millis) -> Result<i64, Failure> {
    let current = current(tx, scope).await?;
    let mut added = 0;
    for text in texts {
        let ConsentText { purpose, version: _, english, german } = text;
        let (english, german) = (english.trim().to_owned(), german.trim().to_owned());
        let old = current.iter().find(|row| row.purpose == *purpose);
        if old.is_some_and(|row| row.english == english && row.german == german) {
            continue;
        }
        let row = ConsentRow {
            event_id: scope.event().as_str().to_owned(),
            purpose: purpose.clone(),
            version: old.map_or(1, |row| row.version.saturating_add(1)),
            organisation_id: scope.organisation().as_str().to_owned(),
            english,
            german,
            created_at: now.0,
        };
        match insert(tx, &row).await {
            // Somebody else saved at the same moment.
            Err(Failure::Duplicate(_)) => return Err(Code::Conflict.into()),
            other => other?,
        }
        added += 1;
    }
    Ok(added)
}

async fn insert(tx: &mut Tx, row: &ConsentRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(events_consents::table).values(row).execute(c).await)?;
    Ok(())
}
