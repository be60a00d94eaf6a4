-- Films of which nothing that browsers play can be made: also those that the version before this one gave up.

ALTER TABLE captures ADD COLUMN unplayable BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE captures SET unplayable = TRUE WHERE kind = 'film'
    AND NOT EXISTS (SELECT 1 FROM captures_renditions r WHERE r.capture_id = captures.id AND r.name = 'film')
    AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 'finish_capture' AND j.subject = captures.id);
