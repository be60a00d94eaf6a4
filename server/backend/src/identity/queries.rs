//! The SQL of identity. What belongs to an organisation takes an [`super::scope::OrgScope`]; what proves somebody in
//! the first place (users, sessions, secrets, links) belongs to the installation and is found by its keyed hash or by
//! the person's own id.

pub(super) mod bearers;
pub(super) mod directory;
pub(super) mod emergencies;
pub(super) mod factors;
pub(crate) mod memberships;
pub(super) mod one_time;
pub(super) mod passkeys;
pub(super) mod provided;
pub(super) mod removed;
pub(super) mod sessions;
pub(crate) mod sign_ins;
pub(super) mod tokens;
pub(super) mod users;
