-- Exports: archives of an event's originals, whose every byte is known before the first is sent.

-- What an archive says of an original. Noted with the upload; for older captures when an export needs it.
CREATE TABLE captures_originals (
    capture_id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    length BIGINT NOT NULL,
    crc BIGINT NOT NULL,
    sha256 BLOB NOT NULL,
    FOREIGN KEY (organisation_id, capture_id) REFERENCES captures (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX captures_originals_organisation ON captures_originals (organisation_id, capture_id);

CREATE TABLE exports (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    -- Keyed hash of the idempotency key and who sent it.
    request_hash BLOB NOT NULL,
    folder TEXT NOT NULL,
    -- Entries that were frozen, and up to which place they have theirs in the archive.
    entries BIGINT NOT NULL,
    placed BIGINT NOT NULL,
    -- The plan of the archive so far: its entries, their bytes, and those of its directory.
    plan_entries BIGINT NOT NULL,
    plan_files BIGINT NOT NULL,
    plan_directory BIGINT NOT NULL,
    -- The list of checksums so far.
    list_length BIGINT NOT NULL,
    list_crc BIGINT NOT NULL,
    ready_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (organisation_id, id),
    FOREIGN KEY (organisation_id, event_id) REFERENCES events (organisation_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX exports_request ON exports (organisation_id, event_id, request_hash);
CREATE INDEX exports_expires ON exports (expires_at);

-- An erased capture takes its entry along: what is left cannot be sent to its end, and is not.
CREATE TABLE exports_entries (
    export_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    organisation_id TEXT NOT NULL,
    capture_id TEXT NOT NULL,
    -- Where it begins in the archive, and what is said of it in the directory; absent until it is placed.
    at BIGINT,
    directory_at BIGINT,
    name TEXT,
    PRIMARY KEY (export_id, position),
    FOREIGN KEY (organisation_id, export_id) REFERENCES exports (organisation_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organisation_id, capture_id) REFERENCES captures (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX exports_entries_at ON exports_entries (export_id, at);
CREATE INDEX exports_entries_export ON exports_entries (organisation_id, export_id);
CREATE INDEX exports_entries_capture ON exports_entries (organisation_id, capture_id);
