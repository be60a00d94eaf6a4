-- The trash of guests and members; captures and events had one. Who deleted: the id of a person or an API token.
ALTER TABLE events ADD COLUMN deleted_by TEXT;
ALTER TABLE captures ADD COLUMN deleted_by TEXT;
-- The guest together with whom the capture went, and with whom it comes back.
ALTER TABLE captures ADD COLUMN deleted_with TEXT;
ALTER TABLE guests ADD COLUMN deleted_at BIGINT;
ALTER TABLE guests ADD COLUMN deleted_by TEXT;

-- Members who were removed, as they were. Not marked among the members, so that no version lets them in.
CREATE TABLE identity_removed_members (
    organisation_id TEXT NOT NULL REFERENCES identity_organisations (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT,
    deleted_at BIGINT NOT NULL,
    deleted_by TEXT,
    PRIMARY KEY (organisation_id, user_id)
);
CREATE INDEX identity_removed_members_user ON identity_removed_members (user_id);
CREATE INDEX identity_removed_members_deleted ON identity_removed_members (organisation_id, deleted_at, user_id);

-- The list of the trash, newest first.
CREATE INDEX events_deleted ON events (organisation_id, deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX guests_deleted ON guests (organisation_id, deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX captures_deleted ON captures (organisation_id, deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX captures_deleted_with ON captures (organisation_id, deleted_with) WHERE deleted_with IS NOT NULL;

-- What the overview counts: by day, without what is in the trash or of an event that is.
DROP INDEX captures_received;
CREATE INDEX captures_received ON captures (organisation_id, received_at, event_id) WHERE deleted_at IS NULL;
