-- Films of which nothing that browsers play can be made. What the version before this one takes in is playable, or not known
-- to be anything else.

ALTER TABLE captures ADD COLUMN unplayable BOOLEAN NOT NULL DEFAULT FALSE;
