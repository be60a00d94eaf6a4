-- Staff and what organisations let them see. Every table is new, and a version that does not know them lets nobody of the
-- staff in. Staff are no users: no code that reads sessions of users can find theirs.

CREATE TABLE support_staff (
    id TEXT NOT NULL PRIMARY KEY,
    -- Sealed under the person's own key.
    email BLOB NOT NULL,
    name BLOB NOT NULL,
    language TEXT NOT NULL,
    -- Both or none: they are set together, by the link of an invitation.
    password_hash BLOB,
    totp_secret BLOB,
    -- The time step of the last code that was taken: no code is good twice.
    last_step BIGINT,
    -- Wrong passwords, and wrong codes, in a row, and until when none is taken.
    failures INTEGER NOT NULL,
    throttled_until BIGINT NOT NULL,
    code_failures INTEGER NOT NULL,
    code_throttled_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    CHECK ((password_hash IS NULL) = (totp_secret IS NULL))
);

CREATE TABLE support_recovery_codes (
    staff_id TEXT NOT NULL REFERENCES support_staff (id) ON DELETE CASCADE,
    selector TEXT NOT NULL,
    hash BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (staff_id, selector)
);

CREATE TABLE support_invitations (
    id TEXT NOT NULL PRIMARY KEY,
    staff_id TEXT NOT NULL REFERENCES support_staff (id) ON DELETE CASCADE,
    token_hash BLOB NOT NULL,
    -- Sealed: what the authenticator app is set up with.
    totp_secret BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX support_invitations_token ON support_invitations (token_hash);
CREATE INDEX support_invitations_staff ON support_invitations (staff_id);

CREATE TABLE support_pending (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash BLOB NOT NULL,
    staff_id TEXT NOT NULL REFERENCES support_staff (id) ON DELETE CASCADE,
    tries INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX support_pending_secret ON support_pending (secret_hash);
CREATE INDEX support_pending_staff ON support_pending (staff_id);

CREATE TABLE support_grants (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES identity_organisations (id) ON DELETE CASCADE,
    staff_id TEXT NOT NULL REFERENCES support_staff (id),
    -- Sealed under the organisation's keys.
    reason BLOB NOT NULL,
    access TEXT NOT NULL,
    minutes INTEGER NOT NULL,
    state TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    decided_by TEXT,
    decided_at BIGINT,
    begun_at BIGINT,
    ends_at BIGINT,
    ended_at BIGINT,
    -- No grant is longer than an hour, whatever wrote it.
    CHECK (ends_at IS NULL OR (decided_at IS NOT NULL AND ends_at <= decided_at + 3600000))
);
CREATE INDEX support_grants_organisation ON support_grants (organisation_id, asked_at);
CREATE INDEX support_grants_staff ON support_grants (staff_id, asked_at);
CREATE INDEX support_grants_running ON support_grants (ends_at) WHERE state = 'granted';

CREATE TABLE support_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash BLOB NOT NULL,
    staff_id TEXT NOT NULL REFERENCES support_staff (id) ON DELETE CASCADE,
    -- The grant that was opened and not left: whoever holds the cookie acts by it and by nothing else. Not a reference, so
    -- that one that goes with its organisation does not turn the session into another.
    grant_id TEXT,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX support_sessions_secret ON support_sessions (secret_hash);
CREATE INDEX support_sessions_staff ON support_sessions (staff_id);
CREATE INDEX support_sessions_expires ON support_sessions (expires_at);

CREATE TABLE support_approvals (
    id TEXT NOT NULL PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES support_grants (id) ON DELETE CASCADE,
    organisation_id TEXT NOT NULL REFERENCES identity_organisations (id) ON DELETE CASCADE,
    act TEXT NOT NULL,
    object TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    -- Another member of the staff, or an owner.
    approved_by TEXT,
    approved_at BIGINT,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX support_approvals_grant ON support_approvals (grant_id, act, object);
CREATE INDEX support_approvals_organisation ON support_approvals (organisation_id, asked_at);

-- What a mail about support access tells, and of which grant.
ALTER TABLE messages ADD COLUMN support_grant_id TEXT;
ALTER TABLE messages ADD COLUMN support_moment TEXT;
