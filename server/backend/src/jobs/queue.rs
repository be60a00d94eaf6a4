//! Enqueueing.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::JobId;
use shutterpost_model::time::Millis;

use crate::context::World;
use crate::db::{Tx, on_db};
use crate::error::Failure;
use crate::schema::jobs;

/// What a job does with its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobKind {
    /// Send the message whose id is the subject.
    SendMessage,
    /// Delete the stored object whose name is the subject; enqueued with the deletion of its row.
    DeleteObject,
}

impl JobKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SendMessage => "send_message",
            Self::DeleteObject => "delete_object",
        }
    }
}

/// Enqueues a job; a second one for the same subject is not added.
pub(crate) async fn enqueue(tx: &mut Tx, world: &World, kind: JobKind, subject: &str, run_at: Millis) -> Result<(), Failure> {
    on_db!(tx, conn => diesel::insert_into(jobs::table)
        .values((
            jobs::id.eq(world.id(JobId::new).into_string()),
            jobs::kind.eq(kind.as_str()),
            jobs::subject.eq(subject),
            jobs::run_at.eq(run_at.0),
            jobs::attempts.eq(0),
            jobs::created_at.eq(world.now().0),
        ))
        .on_conflict((jobs::kind, jobs::subject))
        .do_nothing()
        .execute(conn).await)?;
    Ok(())
}
