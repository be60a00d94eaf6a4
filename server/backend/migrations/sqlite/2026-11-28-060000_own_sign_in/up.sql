-- Since when everybody in the organisation has to sign in by its own provider. Empty: as it was.
--
-- An older version that serves meanwhile does not ask for it; it is switched on when all serve the new one.
ALTER TABLE identity_organisations ADD COLUMN sso_required_at BIGINT;

-- Owners who may sign in with their own second factor all the same, until a moment. Who is a member no more, is armed no
-- more.
CREATE TABLE identity_emergencies (
    organisation_id TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    -- Null: the operator of the machine.
    armed_by TEXT REFERENCES identity_users (id) ON DELETE SET NULL,
    armed_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    -- When they got in that way for the first time.
    used_at BIGINT,
    PRIMARY KEY (organisation_id, user_id),
    FOREIGN KEY (organisation_id, user_id)
        REFERENCES identity_memberships (organisation_id, user_id) ON DELETE CASCADE
);
CREATE INDEX identity_emergencies_user ON identity_emergencies (user_id);
CREATE INDEX identity_emergencies_armed_by ON identity_emergencies (armed_by);
CREATE INDEX identity_emergencies_ends ON identity_emergencies (ends_at);
