-- The second factor, and where a person is and was signed in. All columns of old tables are new and may be empty, so that
-- an older version goes on beside this one; sign-ins that wait for a factor have a table of their own, because an older
-- version would take them for whole sessions.

CREATE TABLE identity_totp (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES identity_users (id) ON DELETE CASCADE,
    -- Sealed; base32.
    secret BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    -- Null until its first code was shown.
    confirmed_at BIGINT,
    -- The time step of the last code that was taken: no code is good twice.
    last_step BIGINT,
    -- Wrong codes in a row, and until when none is taken.
    failures INTEGER NOT NULL,
    throttled_until BIGINT NOT NULL
);

CREATE TABLE identity_recovery_codes (
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    -- The first four characters of the code.
    selector TEXT NOT NULL,
    -- Keyed hash of all of it.
    hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, selector)
);

CREATE TABLE identity_pending (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash BYTEA NOT NULL,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    organisation_id TEXT REFERENCES identity_organisations (id) ON DELETE SET NULL,
    persistent BOOLEAN NOT NULL,
    tries INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX identity_pending_secret ON identity_pending (secret_hash);
CREATE INDEX identity_pending_user ON identity_pending (user_id);
CREATE INDEX identity_pending_organisation ON identity_pending (organisation_id);
CREATE INDEX identity_pending_expires ON identity_pending (expires_at);

CREATE TABLE identity_sign_ins (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    method TEXT NOT NULL,
    succeeded BOOLEAN NOT NULL,
    -- Sealed: browser and system, and the client's address.
    device BYTEA NOT NULL,
    address BYTEA,
    -- Keyed hash of the cookie by which the browser is known.
    known_hash BYTEA NOT NULL
);
CREATE INDEX identity_sign_ins_user ON identity_sign_ins (user_id, at);
CREATE INDEX identity_sign_ins_at ON identity_sign_ins (at);

ALTER TABLE identity_sessions ADD COLUMN method TEXT;
-- When the person last showed who they are; null counts as long ago.
ALTER TABLE identity_sessions ADD COLUMN confirmed_at BIGINT;
ALTER TABLE identity_sessions ADD COLUMN device BYTEA;
ALTER TABLE identity_sessions ADD COLUMN address BYTEA;

-- What a mail about an account tells, and of which sign-in.
ALTER TABLE messages ADD COLUMN activity TEXT;
ALTER TABLE messages ADD COLUMN sign_in_id TEXT;
