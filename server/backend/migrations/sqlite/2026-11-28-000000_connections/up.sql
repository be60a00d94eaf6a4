-- What organisations have agreed with their identity providers.

CREATE TABLE sso_connections (
    organisation_id TEXT NOT NULL REFERENCES identity_organisations (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Sealed; JSON with the client secret. Null until the provider's side is entered.
    settings BLOB,
    state TEXT NOT NULL,
    trust_factor BOOLEAN NOT NULL,
    just_in_time BOOLEAN NOT NULL,
    default_role TEXT,
    -- Sealed; JSON: groups name departments, and so people.
    role_map BLOB NOT NULL,
    certificate_ends_at BIGINT,
    -- Sealed; JSON of the last test.
    last_report BLOB,
    -- When somebody signed in with the settings as they are; null after a change of them.
    tested_at BIGINT,
    created_at BIGINT NOT NULL,
    -- Of the settings, since when a test has to be of these.
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (organisation_id, id)
);
CREATE UNIQUE INDEX sso_connections_id ON sso_connections (id);
CREATE INDEX sso_connections_organisation ON sso_connections (organisation_id, created_at);
CREATE INDEX sso_connections_certificate ON sso_connections (certificate_ends_at);
