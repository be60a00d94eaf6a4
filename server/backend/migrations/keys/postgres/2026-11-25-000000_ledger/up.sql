-- How far the ledger of erased keys was applied to this store: how many entries, and the hash of the last one. A store
-- restored from a backup knows less than the ledger, and catches up when it is opened.
ALTER TABLE keystore ADD COLUMN ledger_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE keystore ADD COLUMN ledger_hash BYTEA;
