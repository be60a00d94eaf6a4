-- Erasures that somebody asked for, and their receipts. Ids alone; a line outlives what it names, the organisation included.
CREATE TABLE privacy_erasures (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    -- guest, capture, event, organisation
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    -- Signed text; there once the keys are destroyed.
    receipt TEXT,
    -- When rows and files were gone as well.
    finished_at BIGINT
);
CREATE UNIQUE INDEX privacy_erasures_object ON privacy_erasures (object);
CREATE INDEX privacy_erasures_organisation ON privacy_erasures (organisation_id, id);

-- Keys destroyed until then have no rows left. In this database, so that one restored from a backup looks again at what
-- was erased since.
ALTER TABLE installation ADD COLUMN erasures_finished_until BIGINT NOT NULL DEFAULT 0;

-- An event's objects in the order of their ids, for erasing it step by step.
CREATE INDEX captures_of_event ON captures (organisation_id, event_id, id);
CREATE INDEX guests_of_event ON guests (organisation_id, event_id, id);
