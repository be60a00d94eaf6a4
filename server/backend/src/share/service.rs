//! The rules of share links and pages.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_media::mark::Logo;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::captures::{LinkView, MediaFile, RenditionFile};
use shutterpost_model::error::AppError;
use shutterpost_model::id::{CaptureId, EventId, LinkId};
use shutterpost_model::share::{ChangeTarget, ResolvedShare, ShareChange, SharePage, Shares};
use shutterpost_vault::wrap::Purpose;

use super::links::{Domain, Tokens, hash, view};
use super::rows::FileRow;
use super::scope::GuestScope;
use super::{page, queries};
use crate::audit::record::{Doer, Entry, record};
use crate::captures::parts::OfCapture;
use crate::captures::rows as captures_rows;
use crate::changes;
use crate::db::{Conn, write_tx};
use crate::error::Failure;
use crate::events::queries as events;
use crate::events::rows::{self as events_rows, stored};
use crate::events::scope::EventScope;
use crate::events::zone;
use crate::identity::scope::OrgScope;
use crate::keystore::KeyRef;
use crate::services::Deps;
use crate::storage::StoredFile;

/// The port of share links and pages on the database.
#[derive(Debug, Clone)]
pub struct SharesService {
    deps: Deps,
}

impl SharesService {
    pub const fn new(deps: Deps) -> Self {
        Self { deps }
    }

    async fn open(&self, token: &str) -> Result<Option<ResolvedShare>, Failure> {
        let mut conn = self.deps.db.read().await?;
        let Some(opened) = GuestScope::prove(&mut conn, &self.deps, token).await? else { return Ok(None) };
        let page = match page::of_link(&mut conn, &self.deps, &opened).await {
            Ok(page) => page,
            // Deleted between the two queries.
            Err(Failure::NotFound) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let scope = opened.scope;
        Ok(Some(ResolvedShare {
            page,
            link: scope.link().clone(),
            capture: scope.capture().clone(),
            event: scope.event().clone(),
            valid_until: opened.valid_until,
        }))
    }

    /// The file that a media token gave, unless retention is over.
    async fn fetch(
        &self,
        row: Option<FileRow>,
        purpose: Purpose,
        media_type: &'static str,
    ) -> Result<Option<MediaFile>, Failure> {
        let Some(FileRow { object, etag, organisation, key_subject, kept_until, time_zone }) = row else {
            return Ok(None);
        };
        if self.deps.world.now() >= zone::end_of(&time_zone, stored(&kept_until)?) {
            return Ok(None);
        }
        match self.deps.keystore.get(&KeyRef::of(&stored(&organisation)?, purpose, &key_subject)).await {
            Ok(key) => {
                let content = Arc::new(StoredFile::new(&self.deps.storage, object, key));
                Ok(Some(MediaFile { content, media_type, etag }))
            }
            // Erased since the query.
            Err(Failure::NotFound) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn read_media(&self, token: &str, file: RenditionFile) -> Result<Option<MediaFile>, Failure> {
        let hash = hash(&self.deps.keys, Domain::Media, token);
        let mut conn = self.deps.db.read().await?;
        let row = queries::media(&mut conn, &hash, file).await?;
        drop(conn);
        self.fetch(row, captures_rows::PURPOSE, file.encoding.media_type()).await
    }

    async fn read_logo(&self, token: &str) -> Result<Option<MediaFile>, Failure> {
        let hash = hash(&self.deps.keys, Domain::Media, token);
        let mut conn = self.deps.db.read().await?;
        let row = queries::logo_by_token(&mut conn, &hash).await?;
        drop(conn);
        self.fetch(row, events_rows::PURPOSE, Logo::MEDIA_TYPE).await
    }

    async fn next_generation(&self, actor: &Actor, link: &LinkId) -> Result<(), Failure> {
        let scope = OrgScope::prove(actor, Permission::LinkWrite)?;
        let (world, keys, doer) = (self.deps.world.clone(), self.deps.keys.clone(), Doer::from(actor));
        let link = link.clone();
        write_tx!(self.deps.db, tx => {
            let row = queries::find(tx, &scope, &link).await?;
            let generation = row.generation.saturating_add(1);
            let hashes = Tokens::derive(&keys, &link, row.kind()?, generation).hashes(&keys);
            queries::renew(tx, &scope, &link, generation, hashes).await?;
            let entry = Entry::new("share.renew_link").object(link.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            changes::record(tx, &world, ChangeTarget::Capture(stored(&row.capture_id)?)).await
        })
    }

    async fn kill(&self, actor: &Actor, link: &LinkId) -> Result<(), Failure> {
        let scope = OrgScope::prove(actor, Permission::LinkWrite)?;
        let (world, doer, link) = (self.deps.world.clone(), Doer::from(actor), link.clone());
        write_tx!(self.deps.db, tx => {
            let row = queries::find(tx, &scope, &link).await?;
            queries::revoke(tx, &scope, &link, world.now()).await?;
            let entry = Entry::new("share.revoke_link").object(link.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            changes::record(tx, &world, ChangeTarget::Capture(stored(&row.capture_id)?)).await
        })
    }

    async fn read_preview(&self, actor: &Actor, event: &EventId) -> Result<SharePage, Failure> {
        let org = OrgScope::prove(actor, Permission::EventRead)?;
        let mut conn = self.deps.db.read().await?;
        let scope = EventScope::prove(&mut conn, org, event).await?;
        let row = events::find(&mut conn, &scope).await?;
        let organisation = queries::organisation_name(&mut conn, &scope).await?;
        page::preview(&mut conn, &self.deps, &scope, row, organisation).await
    }
}

#[async_trait]
impl OfCapture<LinkView> for SharesService {
    async fn of_capture(
        &self,
        conn: &mut Conn,
        scope: &OrgScope,
        capture: &CaptureId,
    ) -> Result<Vec<LinkView>, Failure> {
        let rows = queries::of_capture(conn, scope, capture).await?;
        rows.into_iter().map(|row| view(&self.deps.keys, &self.deps.origin, row)).collect()
    }
}

#[async_trait]
impl Shares for SharesService {
    async fn page(&self, token: &str) -> Result<Option<ResolvedShare>, AppError> {
        Ok(self.open(token).await?)
    }

    async fn media(&self, token: &str, file: RenditionFile) -> Result<Option<MediaFile>, AppError> {
        Ok(self.read_media(token, file).await?)
    }

    async fn logo(&self, token: &str) -> Result<Option<MediaFile>, AppError> {
        Ok(self.read_logo(token).await?)
    }

    async fn changes(&self, after: i64) -> Result<(Vec<ShareChange>, i64), AppError> {
        let mut conn = self.deps.db.read().await?;
        Ok(changes::after(&mut conn, after).await?)
    }

    async fn renew(&self, actor: &Actor, link: &LinkId) -> Result<(), AppError> {
        Ok(self.next_generation(actor, link).await?)
    }

    async fn revoke(&self, actor: &Actor, link: &LinkId) -> Result<(), AppError> {
        Ok(self.kill(actor, link).await?)
    }

    async fn preview(&self, actor: &Actor, event: &EventId) -> Result<SharePage, AppError> {
        Ok(self.read_preview(actor, event).await?)
    }
}
