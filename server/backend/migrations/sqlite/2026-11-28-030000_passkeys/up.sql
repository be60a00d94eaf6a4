-- Passkeys, and the questions to them that wait for an answer. New tables alone: an older version goes on beside this one,
-- and asks nobody for a passkey.

CREATE TABLE identity_passkeys (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    -- Keyed hash of the id that the device gave it.
    credential_hash BLOB NOT NULL,
    -- Sealed: that id, the public key, the counter, and the random number by which the device knows the account.
    credential BLOB NOT NULL,
    -- Sealed.
    name BLOB NOT NULL,
    -- It has shown that it knows its owner, and can stand for the password as well.
    verifies BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    -- When its counter went backwards; nothing is taken from it since.
    refused_at BIGINT
);
CREATE UNIQUE INDEX identity_passkeys_credential ON identity_passkeys (credential_hash);
CREATE INDEX identity_passkeys_user ON identity_passkeys (user_id);

CREATE TABLE identity_ceremonies (
    -- Keyed hash of the challenge, which is good once.
    challenge_hash BLOB NOT NULL PRIMARY KEY,
    -- Keyed hash of the cookie of the browser that asked.
    browser_hash BLOB NOT NULL,
    purpose TEXT NOT NULL,
    -- Null where any account may answer.
    user_id TEXT REFERENCES identity_users (id) ON DELETE CASCADE,
    -- Sealed: what the answer must be.
    state BLOB NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX identity_ceremonies_user ON identity_ceremonies (user_id);
CREATE INDEX identity_ceremonies_expires ON identity_ceremonies (expires_at);
