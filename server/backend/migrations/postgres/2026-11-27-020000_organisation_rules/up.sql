-- How everybody in an organisation signs in. Empty: as it was.
--
-- An older version that serves meanwhile does not ask for the factor; it is switched on when all serve the new one.
ALTER TABLE identity_organisations ADD COLUMN factor_required_at BIGINT;
-- Limits of sessions in this organisation, in milliseconds; never looser than those of the installation.
ALTER TABLE identity_organisations ADD COLUMN session_idle_millis BIGINT;
ALTER TABLE identity_organisations ADD COLUMN session_absolute_millis BIGINT;
