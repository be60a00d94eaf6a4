-- Room for sealed values beside the plain ones. What was stored so far is sealed by the program between this migration and
-- the next one, which drops the plain columns.
ALTER TABLE installation ADD COLUMN key_store TEXT;

-- The capture whose key opens the bytes: itself, but for captures that share another's.
ALTER TABLE captures ADD COLUMN key_subject TEXT NOT NULL DEFAULT '';

ALTER TABLE guests ADD COLUMN sealed_name BLOB;
ALTER TABLE guests ADD COLUMN sealed_email BLOB;
ALTER TABLE guests ADD COLUMN sealed_phone BLOB;

ALTER TABLE identity_users ADD COLUMN sealed_email BLOB NOT NULL DEFAULT x'';
ALTER TABLE identity_users ADD COLUMN sealed_name BLOB NOT NULL DEFAULT x'';
ALTER TABLE identity_users ADD COLUMN sealed_password BLOB;

ALTER TABLE identity_invitations ADD COLUMN sealed_email BLOB NOT NULL DEFAULT x'';
ALTER TABLE identity_tokens ADD COLUMN sealed_name BLOB NOT NULL DEFAULT x'';
ALTER TABLE events_devices ADD COLUMN sealed_name BLOB NOT NULL DEFAULT x'';
