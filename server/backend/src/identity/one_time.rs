//! The tokens of invitations and password resets: derived from the key ring and the row's id, so that the worker can
//! write them into a mail while the database keeps only their hashes.

use shutterpost_model::id::{InvitationId, ResetId};
use shutterpost_vault::keys::Keys;
use shutterpost_vault::token::OneTimeToken;

/// The token of the link that sets a new password.
pub(crate) fn reset_token(keys: &Keys, reset: &ResetId) -> OneTimeToken {
    keys.one_time_token("reset", reset.as_str(), 0)
}

/// The token of an invitation's link; a renewed invitation has the next generation and another token.
pub(crate) fn invitation_token(keys: &Keys, invitation: &InvitationId, generation: i32) -> OneTimeToken {
    keys.one_time_token("invitation", invitation.as_str(), generation.unsigned_abs())
}

/// What the column `token_hash` holds for a reset.
pub(super) fn reset_hash(keys: &Keys, token: &OneTimeToken) -> [u8; 32] {
    keys.lookup("reset", token.bytes())
}

/// What the column `token_hash` holds for an invitation.
pub(super) fn invitation_hash(keys: &Keys, token: &OneTimeToken) -> [u8; 32] {
    keys.lookup("invitation", token.bytes())
}
