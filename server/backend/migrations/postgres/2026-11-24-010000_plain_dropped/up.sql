-- Everything is sealed by now. Who has an address is looked up in the key store.
DROP INDEX guests_contact;
ALTER TABLE guests DROP COLUMN contact_hash;
ALTER TABLE guests DROP COLUMN name;
ALTER TABLE guests DROP COLUMN email;
ALTER TABLE guests DROP COLUMN phone;
ALTER TABLE guests RENAME COLUMN sealed_name TO name;
ALTER TABLE guests RENAME COLUMN sealed_email TO email;
ALTER TABLE guests RENAME COLUMN sealed_phone TO phone;

DROP INDEX identity_users_email;
ALTER TABLE identity_users DROP COLUMN email;
ALTER TABLE identity_users DROP COLUMN name;
ALTER TABLE identity_users DROP COLUMN password_hash;
ALTER TABLE identity_users RENAME COLUMN sealed_email TO email;
ALTER TABLE identity_users RENAME COLUMN sealed_name TO name;
ALTER TABLE identity_users RENAME COLUMN sealed_password TO password_hash;

ALTER TABLE identity_invitations DROP COLUMN email;
ALTER TABLE identity_invitations RENAME COLUMN sealed_email TO email;

ALTER TABLE identity_tokens DROP COLUMN name;
ALTER TABLE identity_tokens RENAME COLUMN sealed_name TO name;

ALTER TABLE events_devices DROP COLUMN name;
ALTER TABLE events_devices RENAME COLUMN sealed_name TO name;
