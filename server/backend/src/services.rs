//! What every service holds, and putting them together.

use std::sync::Arc;

use shutterpost_vault::Keys;

use crate::context::World;
use crate::db::Db;
use crate::storage::Storage;

/// What services share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Deps {
    pub db: Db,
    pub world: World,
    pub keys: Arc<Keys>,
    pub storage: Storage,
    /// Canonical origin without a trailing slash, e.g. `https://photos.example`.
    pub origin: String,
}
