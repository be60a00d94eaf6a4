-- What is put on the pictures of an event, and how far the pictures that were there before are made anew with it.
-- The captures themselves remember what they have in their column mark.

CREATE TABLE events_designs (
    event_id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    -- Grows with every save.
    version INTEGER NOT NULL,
    -- As JSON: what was saved, what all pictures were last to have, and what they had before that.
    design TEXT NOT NULL,
    applied TEXT,
    previous TEXT,
    -- Since when new pictures have the saved design.
    saved_at BIGINT NOT NULL,
    -- none, running, paused or done; and whether the way is back.
    state TEXT NOT NULL,
    undoing BOOLEAN NOT NULL,
    -- Grows whenever another design is to be given: what an older run has made is thrown away.
    run INTEGER NOT NULL,
    -- The capture that this pass came to, how many it changed, and how many could not be made.
    after TEXT NOT NULL,
    changed BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    FOREIGN KEY (organisation_id, event_id) REFERENCES events (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX events_designs_event ON events_designs (organisation_id, event_id);

CREATE TABLE events_design_files (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    object TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (organisation_id, event_id) REFERENCES events (organisation_id, id) ON DELETE CASCADE
);
CREATE INDEX events_design_files_event ON events_design_files (organisation_id, event_id);
