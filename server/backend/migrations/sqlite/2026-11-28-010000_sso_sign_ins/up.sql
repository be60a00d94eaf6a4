-- Sign-ins by connections. All columns of old tables are new and may be empty, so that an older version goes on beside this
-- one: it sees sessions that ended nowhere else, and sign-ins that wait for a second factor like any other.

-- What was begun: a sign-in, a test, a proof, a tie, a sign-out. Taken out once, by the transaction that ends it.
CREATE TABLE sso_attempts (
    -- SHA-256, in base64url, of the state that travels through the browser.
    state_hash TEXT NOT NULL PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES sso_connections (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    -- Sealed; JSON.
    payload BLOB NOT NULL,
    -- The same hash of the cookie of the browser that began it.
    browser_hash TEXT NOT NULL,
    user_id TEXT REFERENCES identity_users (id) ON DELETE CASCADE,
    -- Whoever tests or proves: the session that did; without it, what was begun is worth nothing.
    session_id TEXT,
    next TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sso_attempts_connection ON sso_attempts (connection_id);
CREATE INDEX sso_attempts_user ON sso_attempts (user_id);
CREATE INDEX sso_attempts_expires ON sso_attempts (expires_at);

-- Who people at a provider are here.
CREATE TABLE sso_identities (
    id TEXT NOT NULL PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES sso_connections (id) ON DELETE CASCADE,
    -- Keyed hash of issuer and subject.
    hash BLOB NOT NULL,
    -- Sealed under the person's key.
    subject BLOB NOT NULL,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX sso_identities_hash ON sso_identities (connection_id, hash);
CREATE INDEX sso_identities_user ON sso_identities (user_id);

-- What is good once: assertions, requests and tokens of providers, until they could not be sent again anyway.
CREATE TABLE sso_used (
    connection_id TEXT NOT NULL REFERENCES sso_connections (id) ON DELETE CASCADE,
    -- Keyed hash of the id.
    hash BLOB NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, hash)
);
CREATE INDEX sso_used_expires ON sso_used (expires_at);

-- By which connection a session came, and by what its provider ends it.
ALTER TABLE identity_sessions ADD COLUMN connection_id TEXT REFERENCES sso_connections (id) ON DELETE CASCADE;
ALTER TABLE identity_sessions ADD COLUMN provider_session_hash BLOB;
ALTER TABLE identity_sessions ADD COLUMN provider_subject_hash BLOB;
-- Sealed: what the provider wants to see when the session ends there too.
ALTER TABLE identity_sessions ADD COLUMN id_token_hint BLOB;
CREATE INDEX identity_sessions_connection ON identity_sessions (connection_id, provider_subject_hash);

-- The same of a sign-in that waits for its second factor, and when its session must end.
ALTER TABLE identity_pending ADD COLUMN connection_id TEXT REFERENCES sso_connections (id) ON DELETE CASCADE;
ALTER TABLE identity_pending ADD COLUMN provider_session_hash BLOB;
ALTER TABLE identity_pending ADD COLUMN provider_subject_hash BLOB;
ALTER TABLE identity_pending ADD COLUMN id_token_hint BLOB;
ALTER TABLE identity_pending ADD COLUMN session_until BIGINT;
CREATE INDEX identity_pending_connection ON identity_pending (connection_id, provider_subject_hash);
