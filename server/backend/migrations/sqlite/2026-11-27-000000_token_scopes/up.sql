-- Scopes, ends and renewals of API tokens. A token without scopes is from before: it may do all that its role grants, and
-- has no end.
--
-- A token with scopes has 'reporter' in the column `role`, which grants nothing, and its role in `cap`: an older version
-- that serves meanwhile knows neither scopes nor ends, and so lets such a token do nothing.
ALTER TABLE identity_tokens ADD COLUMN scopes TEXT;
ALTER TABLE identity_tokens ADD COLUMN cap TEXT;
ALTER TABLE identity_tokens ADD COLUMN expires_at BIGINT;
-- The secret that was replaced, while it still works, and who made it.
ALTER TABLE identity_tokens ADD COLUMN previous_hash BLOB;
ALTER TABLE identity_tokens ADD COLUMN previous_hint TEXT;
ALTER TABLE identity_tokens ADD COLUMN previous_until BIGINT;
ALTER TABLE identity_tokens ADD COLUMN previous_used_at BIGINT;
ALTER TABLE identity_tokens ADD COLUMN previous_by TEXT REFERENCES identity_users (id) ON DELETE SET NULL;
CREATE UNIQUE INDEX identity_tokens_previous ON identity_tokens (previous_hash) WHERE previous_hash IS NOT NULL;
CREATE INDEX identity_tokens_previous_by ON identity_tokens (previous_by) WHERE previous_by IS NOT NULL;
-- What the hourly sweep looks for.
CREATE INDEX identity_tokens_expires ON identity_tokens (expires_at) WHERE expires_at IS NOT NULL AND revoked_at IS NULL;
