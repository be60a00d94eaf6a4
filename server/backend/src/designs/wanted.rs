//! What goes onto the pictures of an event: nothing, the logo alone, or a design. And its name, which captures keep in
//! their column `mark`.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use shutterpost_model::designs::{Design, Format};
use shutterpost_model::time::Millis;

use super::queries;
use super::rows::DesignRow;
use crate::captures::queries::Newer;
use crate::db::{Conn, Tx};
use crate::error::Failure;
use crate::events::queries as events;
use crate::events::rows::EventRow;
use crate::events::scope::EventScope;

/// Names of designs begin with it; others are those of logos.
const PREFIX: &str = "dsn_";

/// What goes onto a picture.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    Nothing,
    /// The logo of this id, in the lower right corner.
    Logo(String),
    Design(Worn),
}

/// A design with its name.
#[derive(Debug, Clone)]
pub(crate) struct Worn {
    pub(crate) design: Arc<Design>,
    pub(crate) name: String,
}

impl Worn {
    /// The name says what counts of the design, and nothing else: two that look the same have the same one, so that going
    /// back leaves alone what is there already. Files never change, so their ids stand for them.
    pub(super) fn new(design: Design) -> Result<Self, Failure> {
        let counts: Vec<_> = Format::ALL.iter().map(|format| design.of(*format)).collect();
        let digest: [u8; 32] = Sha256::digest(serde_json::to_vec(&counts)?).into();
        let name = format!("{PREFIX}{}", HEXLOWER.encode(digest.first_chunk::<16>().expect("SHA-256 has 32 bytes")));
        Ok(Self { design: Arc::new(design), name })
    }
}

impl Wanted {
    /// As captures remember it.
    pub(crate) fn mark(&self) -> Option<&str> {
        match self {
            Self::Nothing => None,
            Self::Logo(logo) => Some(logo),
            Self::Design(worn) => Some(&worn.name),
        }
    }

    /// A design that changes no picture leaves the place to the logo, if the event wants that.
    pub(super) fn new(design: Option<Design>, event: &EventRow) -> Result<Self, Failure> {
        if let Some(design) = design.filter(|design| !design.is_plain()) {
            return Ok(Self::Design(Worn::new(design)?));
        }
        match &event.logo_id {
            Some(logo) if event.branding()?.mark_pictures => Ok(Self::Logo(logo.clone())),
            Some(_) | None => Ok(Self::Nothing),
        }
    }
}

/// What new pictures get.
pub(crate) async fn wanted(conn: &mut Conn, scope: &EventScope, event: &EventRow) -> Result<Wanted, Failure> {
    let row = queries::find(conn, scope).await?;
    Wanted::new(row.map(|row| row.design()).transpose()?, event)
}

/// What a run gives to older pictures.
pub(crate) async fn of_run(conn: &mut Conn, scope: &EventScope, row: &DesignRow) -> Result<Wanted, Failure> {
    let event = events::find(conn, scope).await?;
    Wanted::new(Some(row.applied()?), &event)
}

/// What a run leaves alone: captures that came in after another design was saved.
pub(crate) async fn newer(conn: &mut Conn, scope: &EventScope, row: &DesignRow) -> Result<Option<Newer>, Failure> {
    if !row.differs() {
        return Ok(None);
    }
    let event = events::find(conn, scope).await?;
    let wanted = Wanted::new(Some(row.design()?), &event)?;
    Ok(Some(Newer { since: Millis(row.saved_at), mark: wanted.mark().map(str::to_owned) }))
}

/// Enters a capture that was made with a mark: whether it came too late for a run that is to give another one, which then
/// goes on. An upload that began before a design was given to all pictures may end after that.
pub(crate) async fn came_late(tx: &mut Tx, scope: &EventScope, mark: Option<&str>) -> Result<bool, Failure> {
    let Some(row) = queries::find(tx, scope).await?.filter(|row| row.applied.is_some()) else { return Ok(false) };
    let event = events::find(tx, scope).await?;
    for design in [row.applied()?, row.design()?] {
        if Wanted::new(Some(design), &event)?.mark() == mark {
            return Ok(false);
        }
    }
    queries::one_more_pass(tx, scope).await
}

/// What a capture remembers; `None` if nobody knows any more how that looked.
pub(crate) async fn of_mark(conn: &mut Conn, scope: &EventScope, mark: &str) -> Result<Option<Wanted>, Failure> {
    if !mark.starts_with(PREFIX) {
        return Ok(Some(Wanted::Logo(mark.to_owned())));
    }
    let Some(row) = queries::find(conn, scope).await? else { return Ok(None) };
    for design in row.remembered()? {
        let worn = Worn::new(design)?;
        if worn.name == mark {
            return Ok(Some(Wanted::Design(worn)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shutterpost_model::designs::{Filter, Parts};

    #[test]
    fn a_name_tells_looks_apart_and_nothing_else() {
        let name = |design: &Design| Worn::new(design.clone()).expect("a name").name;
        let mut one = Design { landscape: Parts { filter: Filter::Warm, ..Parts::default() }, ..Design::default() };
        let warm = name(&one);
        one.portrait.filter = Filter::Cool;
        assert_eq!(name(&one), warm, "what does not count");
        one.same_for_all = false;
        assert_ne!(name(&one), warm);
    }
}
