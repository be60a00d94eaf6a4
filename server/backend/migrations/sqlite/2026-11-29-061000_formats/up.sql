-- Captures that move, and what a page shows until its picture is there.

ALTER TABLE captures ADD COLUMN kind TEXT NOT NULL DEFAULT 'still';
-- Milliseconds that it plays for; absent for stills, and where only playing it would tell.
ALTER TABLE captures ADD COLUMN duration BIGINT;
-- A colour that goes with the picture and a blurred idea of it, sealed; absent for older captures.
ALTER TABLE captures ADD COLUMN look BLOB;
-- The logo that was blended in, so that what is made later gets the same.
ALTER TABLE captures ADD COLUMN mark TEXT;
