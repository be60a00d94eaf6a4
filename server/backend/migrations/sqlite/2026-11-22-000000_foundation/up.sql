-- One row: facts of the installation.
CREATE TABLE installation (
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    created_at BIGINT NOT NULL,
    share_sequence BIGINT NOT NULL
);
INSERT INTO installation (singleton, created_at, share_sequence) VALUES (1, 0, 0);

CREATE TABLE identity_organisations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE identity_users (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    password_hash TEXT,
    failures INTEGER NOT NULL,
    throttled_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);
CREATE UNIQUE INDEX identity_users_email ON identity_users (email);

CREATE TABLE identity_memberships (
    organisation_id TEXT NOT NULL REFERENCES identity_organisations (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organisation_id, user_id)
);
CREATE INDEX identity_memberships_user ON identity_memberships (user_id);

CREATE TABLE identity_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash BLOB NOT NULL,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    organisation_id TEXT REFERENCES identity_organisations (id) ON DELETE SET NULL,
    persistent BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    idle_millis BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX identity_sessions_secret ON identity_sessions (secret_hash);
CREATE INDEX identity_sessions_user ON identity_sessions (user_id);
CREATE INDEX identity_sessions_organisation ON identity_sessions (organisation_id);
CREATE INDEX identity_sessions_expires ON identity_sessions (expires_at);

CREATE TABLE identity_invitations (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES identity_organisations (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    language TEXT NOT NULL,
    generation INTEGER NOT NULL,
    token_hash BLOB NOT NULL,
    invited_by TEXT REFERENCES identity_users (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    accepted_at BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX identity_invitations_token ON identity_invitations (token_hash);
CREATE INDEX identity_invitations_organisation ON identity_invitations (organisation_id);
CREATE INDEX identity_invitations_inviter ON identity_invitations (invited_by);

CREATE TABLE identity_resets (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    token_hash BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE UNIQUE INDEX identity_resets_token ON identity_resets (token_hash);
CREATE INDEX identity_resets_user ON identity_resets (user_id);

CREATE TABLE identity_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES identity_organisations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    hint TEXT NOT NULL,
    created_by TEXT REFERENCES identity_users (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX identity_tokens_secret ON identity_tokens (secret_hash);
CREATE INDEX identity_tokens_organisation ON identity_tokens (organisation_id);
CREATE INDEX identity_tokens_creator ON identity_tokens (created_by);

CREATE TABLE events (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES identity_organisations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    starts_on TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    retention_days INTEGER NOT NULL,
    -- Last day on which captures exist, derived from the two above so that the sweep can search it.
    kept_until TEXT NOT NULL,
    -- JSON of the model's `Branding`.
    branding TEXT NOT NULL,
    logo_id TEXT,
    version INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    UNIQUE (organisation_id, id)
);
CREATE INDEX events_organisation ON events (organisation_id, starts_on);
CREATE INDEX events_kept_until ON events (kept_until);

-- Apart from `events`, so that counting does not disturb who edits an event.
CREATE TABLE events_counters (
    event_id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    captures BIGINT NOT NULL,
    FOREIGN KEY (organisation_id, event_id) REFERENCES events (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX events_counters_organisation ON events_counters (organisation_id, event_id);

CREATE TABLE events_logos (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    object TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (organisation_id, event_id) REFERENCES events (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX events_logos_event ON events_logos (organisation_id, event_id);

CREATE TABLE events_consents (
    event_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    version INTEGER NOT NULL,
    organisation_id TEXT NOT NULL,
    english TEXT NOT NULL,
    german TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (event_id, purpose, version),
    FOREIGN KEY (organisation_id, event_id) REFERENCES events (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX events_consents_organisation ON events_consents (organisation_id, event_id);

CREATE TABLE events_devices (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    hint TEXT NOT NULL,
    captures BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT,
    revoked_at BIGINT,
    FOREIGN KEY (organisation_id, event_id) REFERENCES events (organisation_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX events_devices_secret ON events_devices (secret_hash);
CREATE INDEX events_devices_event ON events_devices (organisation_id, event_id);

CREATE TABLE captures (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    -- The uploader: a device, a token or a user; the id alone, since it outlives them.
    device_id TEXT,
    uploader TEXT NOT NULL,
    media_type TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    size BIGINT NOT NULL,
    -- How the stored original must be turned, 1 to 8 (EXIF 2.32); the file itself holds no metadata.
    orientation INTEGER NOT NULL,
    object TEXT NOT NULL,
    revision INTEGER NOT NULL,
    captured_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    -- Kept here so that the grid needs no join: number of guests, and state of the newest message.
    guests INTEGER NOT NULL,
    delivery TEXT,
    deleted_at BIGINT,
    UNIQUE (organisation_id, id),
    FOREIGN KEY (organisation_id, event_id) REFERENCES events (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX captures_organisation ON captures (organisation_id, event_id);
CREATE INDEX captures_list ON captures (event_id, captured_at, id) WHERE deleted_at IS NULL;
CREATE INDEX captures_delivery ON captures (event_id, delivery, captured_at, id) WHERE deleted_at IS NULL;
CREATE INDEX captures_trash ON captures (event_id, captured_at, id) WHERE deleted_at IS NOT NULL;
-- Whether an object is still named, asked before it is deleted.
CREATE INDEX captures_object ON captures (object);
CREATE INDEX captures_received ON captures (organisation_id, received_at);

CREATE TABLE captures_renditions (
    capture_id TEXT NOT NULL,
    name TEXT NOT NULL,
    encoding TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    size BIGINT NOT NULL,
    object TEXT NOT NULL,
    etag TEXT NOT NULL,
    PRIMARY KEY (capture_id, name, encoding),
    FOREIGN KEY (organisation_id, capture_id) REFERENCES captures (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX captures_renditions_object ON captures_renditions (object);
CREATE INDEX captures_renditions_organisation ON captures_renditions (organisation_id, capture_id);

CREATE TABLE guests (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    -- Keyed hash of the normalised contact point; absent for guests without one.
    contact_hash BLOB,
    name TEXT,
    email TEXT,
    phone TEXT,
    language TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (organisation_id, id),
    FOREIGN KEY (organisation_id, event_id) REFERENCES events (organisation_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX guests_contact ON guests (event_id, contact_hash);
CREATE INDEX guests_event ON guests (organisation_id, event_id);

CREATE TABLE guests_captures (
    guest_id TEXT NOT NULL,
    capture_id TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (guest_id, capture_id),
    FOREIGN KEY (organisation_id, guest_id) REFERENCES guests (organisation_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organisation_id, capture_id) REFERENCES captures (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX guests_captures_guest ON guests_captures (organisation_id, guest_id);
CREATE INDEX guests_captures_capture ON guests_captures (organisation_id, capture_id);

CREATE TABLE guests_consents (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    guest_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    granted BOOLEAN NOT NULL,
    text_version INTEGER NOT NULL,
    recorded_at BIGINT NOT NULL,
    FOREIGN KEY (organisation_id, guest_id) REFERENCES guests (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX guests_consents_guest ON guests_consents (organisation_id, guest_id);

CREATE TABLE share_links (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    capture_id TEXT NOT NULL,
    -- Only of owner links.
    guest_id TEXT,
    kind TEXT NOT NULL,
    generation INTEGER NOT NULL,
    token_hash BLOB NOT NULL,
    media_hash BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    FOREIGN KEY (organisation_id, capture_id) REFERENCES captures (organisation_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organisation_id, guest_id) REFERENCES guests (organisation_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX share_links_token ON share_links (token_hash);
CREATE UNIQUE INDEX share_links_media ON share_links (media_hash);
CREATE INDEX share_links_capture ON share_links (organisation_id, capture_id);
CREATE INDEX share_links_guest ON share_links (organisation_id, guest_id);

-- What made cached pages stale, in commit order; other instances read it.
CREATE TABLE share_changes (
    sequence BIGINT NOT NULL PRIMARY KEY,
    target TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX share_changes_at ON share_changes (at);

-- Template, ids and language only; addresses and tokens are put in when it is sent.
CREATE TABLE messages (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT REFERENCES identity_organisations (id) ON DELETE CASCADE,
    event_id TEXT,
    capture_id TEXT,
    guest_id TEXT,
    link_id TEXT,
    user_id TEXT REFERENCES identity_users (id) ON DELETE CASCADE,
    invitation_id TEXT REFERENCES identity_invitations (id) ON DELETE CASCADE,
    reset_id TEXT REFERENCES identity_resets (id) ON DELETE CASCADE,
    template TEXT NOT NULL,
    language TEXT NOT NULL,
    -- Counts "send again"; part of the Message-ID, so that servers do not drop the repetition as a duplicate.
    generation INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    attempts INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    next_attempt_at BIGINT,
    sent_at BIGINT,
    FOREIGN KEY (organisation_id, event_id) REFERENCES events (organisation_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organisation_id, capture_id) REFERENCES captures (organisation_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organisation_id, guest_id) REFERENCES guests (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX messages_organisation ON messages (organisation_id, id);
CREATE INDEX messages_state ON messages (organisation_id, state, id);
CREATE INDEX messages_event ON messages (organisation_id, event_id);
CREATE INDEX messages_capture ON messages (organisation_id, capture_id);
CREATE INDEX messages_guest ON messages (organisation_id, guest_id);
CREATE INDEX messages_user ON messages (user_id);
CREATE INDEX messages_invitation ON messages (invitation_id);
CREATE INDEX messages_reset ON messages (reset_id);

CREATE TABLE messages_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    organisation_id TEXT REFERENCES identity_organisations (id) ON DELETE CASCADE,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    failure TEXT
);
CREATE INDEX messages_deliveries_message ON messages_deliveries (message_id);
CREATE INDEX messages_deliveries_organisation ON messages_deliveries (organisation_id);

-- Work to be done, enqueued in the transaction that causes it and deleted when done. `subject` is an id.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    run_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    locked_by TEXT,
    locked_until BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX jobs_run_at ON jobs (run_at);
CREATE UNIQUE INDEX jobs_subject ON jobs (kind, subject);

-- Answered uploads by idempotency key.
CREATE TABLE ingest_requests (
    uploader TEXT NOT NULL,
    key_hash BLOB NOT NULL,
    organisation_id TEXT NOT NULL REFERENCES identity_organisations (id) ON DELETE CASCADE,
    event_id TEXT NOT NULL,
    file_hash BLOB NOT NULL,
    guest_hash BLOB NOT NULL,
    capture_id TEXT NOT NULL,
    link_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (uploader, key_hash)
);
CREATE INDEX ingest_requests_organisation ON ingest_requests (organisation_id);
CREATE INDEX ingest_requests_created ON ingest_requests (created_at);

CREATE TABLE audit_entries (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT REFERENCES identity_organisations (id) ON DELETE CASCADE,
    actor_kind TEXT NOT NULL,
    actor_id TEXT,
    action TEXT NOT NULL,
    object TEXT,
    count BIGINT NOT NULL,
    -- JSON array of field names.
    fields TEXT NOT NULL,
    request_id TEXT,
    at BIGINT NOT NULL
);
CREATE INDEX audit_entries_organisation ON audit_entries (organisation_id, id);
CREATE INDEX audit_entries_object ON audit_entries (organisation_id, object, id);
