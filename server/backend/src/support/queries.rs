//! The SQL of support. Staff belong to the installation; what they may do in an organisation is found by its grant.

pub(super) mod approvals;
pub(crate) mod grants;
pub(super) mod sessions;
pub(super) mod staff;
