-- The key store: every key that opens something of the data database, apart from it, so that its backups may be short
-- and a destroyed key is in none of them for long.

-- One row: which store this is. The data database remembers it and refuses another.
CREATE TABLE keystore (
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Keys made until then have a row in the data database, or are destroyed.
    swept_until BIGINT NOT NULL
);

-- Generations of the root key, which itself lies with the backend of roots.
CREATE TABLE generations (
    generation INTEGER NOT NULL PRIMARY KEY,
    -- active, retiring, destroyed
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    destroyed_at BIGINT
);

CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
    -- An organisation, or `installation` for what belongs to none.
    realm TEXT NOT NULL,
    purpose TEXT NOT NULL,
    -- Id of what the key is for.
    subject TEXT NOT NULL,
    version INTEGER NOT NULL,
    algorithm TEXT NOT NULL,
    -- active, decrypt_only, destroyed
    state TEXT NOT NULL,
    -- The key that wraps this one; null for keys that a root wraps.
    parent TEXT,
    generation INTEGER,
    -- Empty once destroyed.
    wrapped BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    not_after BIGINT,
    destroyed_at BIGINT
);
CREATE UNIQUE INDEX keys_subject ON keys (subject, purpose, version);
CREATE INDEX keys_realm ON keys (realm, purpose);
CREATE INDEX keys_parent ON keys (parent);
CREATE INDEX keys_generation ON keys (generation);
CREATE INDEX keys_created ON keys (created_at, id);
CREATE INDEX keys_destroyed ON keys (destroyed_at);

-- Blind indexes: which row has a value, by a keyed hash of it.
CREATE TABLE lookups (
    realm TEXT NOT NULL,
    field TEXT NOT NULL,
    -- Where the value is unique: an event, or nothing.
    scope TEXT NOT NULL,
    hash BLOB NOT NULL,
    subject TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (realm, field, scope, hash)
);
CREATE INDEX lookups_subject ON lookups (subject);
