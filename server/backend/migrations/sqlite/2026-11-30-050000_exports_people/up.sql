-- Who asked for an archive, and the guests that are in it. Of a guest nothing is kept here but where in the archive they stand
-- and a keyed hash of what is said of them: what is sent is read from their own row, or not at all.

ALTER TABLE exports ADD COLUMN created_by TEXT;
ALTER TABLE exports ADD COLUMN people BOOLEAN NOT NULL DEFAULT FALSE;
-- Guests that have their place, and up to which position.
ALTER TABLE exports ADD COLUMN guests BIGINT NOT NULL DEFAULT 0;
ALTER TABLE exports ADD COLUMN guests_placed BIGINT NOT NULL DEFAULT 0;
-- The files about them so far.
ALTER TABLE exports ADD COLUMN guests_length BIGINT NOT NULL DEFAULT 0;
ALTER TABLE exports ADD COLUMN guests_crc BIGINT NOT NULL DEFAULT 0;
ALTER TABLE exports ADD COLUMN consents_length BIGINT NOT NULL DEFAULT 0;
ALTER TABLE exports ADD COLUMN consents_crc BIGINT NOT NULL DEFAULT 0;
ALTER TABLE exports ADD COLUMN json_length BIGINT NOT NULL DEFAULT 0;
ALTER TABLE exports ADD COLUMN json_crc BIGINT NOT NULL DEFAULT 0;
CREATE INDEX exports_event ON exports (organisation_id, event_id, created_at);

-- An erased guest takes their entry along: what is left cannot be sent to its end, and is not.
CREATE TABLE exports_guests (
    export_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    organisation_id TEXT NOT NULL,
    guest_id TEXT NOT NULL,
    -- Where in each file they begin; absent until they are placed.
    guests_at BIGINT,
    consents_at BIGINT,
    json_at BIGINT,
    digest BLOB,
    PRIMARY KEY (export_id, position),
    FOREIGN KEY (organisation_id, export_id) REFERENCES exports (organisation_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organisation_id, guest_id) REFERENCES guests (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX exports_guests_export ON exports_guests (organisation_id, export_id);
CREATE INDEX exports_guests_guest ON exports_guests (organisation_id, guest_id);
CREATE INDEX exports_guests_guests_at ON exports_guests (export_id, guests_at);
CREATE INDEX exports_guests_consents_at ON exports_guests (export_id, consents_at);
CREATE INDEX exports_guests_json_at ON exports_guests (export_id, json_at);
