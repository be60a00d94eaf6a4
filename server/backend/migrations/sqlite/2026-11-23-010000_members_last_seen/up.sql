-- When the person last used a session in this organisation: sessions end, this stays.
ALTER TABLE identity_memberships ADD COLUMN last_seen_at BIGINT;
UPDATE identity_memberships SET last_seen_at = (
    SELECT max(s.last_seen_at) FROM identity_sessions s
    WHERE s.user_id = identity_memberships.user_id AND s.organisation_id = identity_memberships.organisation_id
);
