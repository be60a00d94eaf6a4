//! Share links: made with the capture, derived from the key ring whenever their address is needed.

use shutterpost_model::captures::{LinkView, RenditionFile};
use shutterpost_model::id::{CaptureId, GuestId, LinkId};
use shutterpost_model::share::LinkKind;
use shutterpost_model::time::Millis;
use shutterpost_vault::keys::Keys;
use shutterpost_vault::token::{self, LinkToken, MediaToken};

use super::queries;
use super::rows::LinkRow;
use crate::context::World;
use crate::db::Tx;
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::Tenant;

/// The generation of a link that was never renewed.
pub(crate) const FIRST: i32 = 1;

/// Which of a link's two tokens; each has its own hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Domain {
    Page,
    Media,
}

/// The hash by which a presented token is looked up. Nonsense is hashed as well, so that every wrong token takes the
/// same way: one hash, one query.
pub(super) fn hash(keys: &Keys, domain: Domain, token: &str) -> [u8; 32] {
    match domain {
        Domain::Page => match LinkToken::parse(token) {
            Some(token) => keys.lookup("share-token", token.bytes()),
            None => keys.lookup("share-nonsense", token.as_bytes()),
        },
        Domain::Media => match MediaToken::parse(token) {
            Some(token) => keys.lookup("share-media", token.bytes()),
            None => keys.lookup("share-nonsense", token.as_bytes()),
        },
    }
}

/// The two tokens of a link in one generation.
pub(crate) struct Tokens {
    page: LinkToken,
    media: MediaToken,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    pub(crate) fn derive(keys: &Keys, link: &LinkId, kind: LinkKind, generation: i32) -> Self {
        let kind = match kind {
            LinkKind::Owner => token::LinkKind::Owner,
            LinkKind::View => token::LinkKind::View,
        };
        let generation = generation.unsigned_abs();
        Self {
            page: keys.link_token(link.as_str(), kind, generation),
            media: keys.media_token(link.as_str(), kind, generation),
        }
    }

    /// `/s/{token}`.
    pub(crate) fn page_path(&self) -> String {
        format!("/s/{}", self.page.reveal())
    }

    /// `/m/{token}/{file}`.
    pub(crate) fn media_path(&self, file: RenditionFile) -> String {
        format!("/m/{}/{file}", self.media.reveal())
    }

    /// `/m/{token}/logo.png`.
    pub(crate) fn logo_path(&self) -> String {
        format!("/m/{}/logo.png", self.media.reveal())
    }

    /// For the columns `token_hash` and `media_hash`.
    pub(crate) fn hashes(&self, keys: &Keys) -> ([u8; 32], [u8; 32]) {
        (keys.lookup("share-token", self.page.bytes()), keys.lookup("share-media", self.media.bytes()))
    }
}

/// Writes a link of a capture under a new id; `guest` makes it that guest's owner link.
pub(crate) async fn create(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    scope: &impl Tenant,
    link: &LinkId,
    capture: &CaptureId,
    guest: Option<&GuestId>,
) -> Result<(), Failure> {
    let kind = if guest.is_some() { LinkKind::Owner } else { LinkKind::View };
    let (token_hash, media_hash) = Tokens::derive(keys, link, kind, FIRST).hashes(keys);
    let row = LinkRow {
        id: link.as_str().to_owned(),
        organisation_id: scope.organisation().as_str().to_owned(),
        capture_id: capture.as_str().to_owned(),
        guest_id: guest.map(|guest| guest.as_str().to_owned()),
        kind: kind.as_str().to_owned(),
        generation: FIRST,
        token_hash: token_hash.to_vec(),
        media_hash: media_hash.to_vec(),
        created_at: world.now().0,
        revoked_at: None,
    };
    queries::insert(tx, scope, &row).await
}

/// Whole address of a link's page.
pub(crate) fn address(keys: &Keys, origin: &str, link: &LinkId, kind: LinkKind, generation: i32) -> String {
    format!("{origin}{}", Tokens::derive(keys, link, kind, generation).page_path())
}

/// A link as the CMS shows it.
pub(super) fn view(keys: &Keys, origin: &str, row: LinkRow) -> Result<LinkView, Failure> {
    let kind = row.kind()?;
    let LinkRow {
        id,
        organisation_id: _,
        capture_id: _,
        guest_id: _,
        kind: _,
        generation,
        token_hash: _,
        media_hash: _,
        created_at,
        revoked_at,
    } = row;
    let id: LinkId = stored(&id)?;
    let url = revoked_at.is_none().then(|| address(keys, origin, &id, kind, generation));
    Ok(LinkView { id, kind, url, created_at: Millis(created_at), revoked_at: revoked_at.map(Millis) })
}
