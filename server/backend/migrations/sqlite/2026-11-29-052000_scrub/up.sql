-- Looking whether every stored object that a row names is there and whole: how far it came, and what it found.

CREATE TABLE scrub (
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    begun_at BIGINT NOT NULL,
    -- The rows that are looked at, and the last one that was.
    source TEXT NOT NULL,
    after TEXT NOT NULL,
    objects BIGINT NOT NULL,
    -- The last time that all were looked at.
    finished_at BIGINT,
    finished_objects BIGINT NOT NULL
);

-- Looked at again with every run: those that are good again, or whose rows are gone, leave.
CREATE TABLE scrub_flaws (
    object TEXT NOT NULL PRIMARY KEY,
    -- The row that names it, by the source that it is of.
    source TEXT NOT NULL,
    subject TEXT NOT NULL,
    flaw TEXT NOT NULL,
    found_at BIGINT NOT NULL
);
