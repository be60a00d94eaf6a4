-- Files that come in pieces, until they are captures. Seen by their uploader alone.

CREATE TABLE uploads (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES identity_organisations (id) ON DELETE CASCADE,
    event_id TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    -- Device or API token.
    uploader TEXT NOT NULL,
    -- whole, partial, joined
    kind TEXT NOT NULL,
    -- What a joined one is joined of: ids in their order, with spaces between.
    joined_of TEXT,
    length BIGINT,
    -- Bytes that are on the disk and count.
    taken BIGINT NOT NULL,
    -- Who began to write last; nobody else may make bytes count.
    claim BIGINT NOT NULL,
    -- Sealed under the upload's key.
    metadata BYTEA,
    -- open, done, refused
    state TEXT NOT NULL,
    -- Without a reference: the answer stays the same when the capture is gone.
    capture_id TEXT,
    link_id TEXT,
    -- Code and fields of a refusal, as JSON.
    refusal TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX uploads_uploader ON uploads (organisation_id, uploader, state);
CREATE INDEX uploads_event ON uploads (event_id);
CREATE INDEX uploads_expires ON uploads (expires_at);

-- Sealed pieces. One counts when it ends where its upload does, or before.
CREATE TABLE uploads_parts (
    object TEXT NOT NULL PRIMARY KEY,
    upload_id TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    organisation_id TEXT NOT NULL REFERENCES identity_organisations (id) ON DELETE CASCADE,
    begins_at BIGINT NOT NULL,
    size BIGINT NOT NULL
);
CREATE INDEX uploads_parts_upload ON uploads_parts (upload_id, begins_at);
CREATE INDEX uploads_parts_organisation ON uploads_parts (organisation_id);
