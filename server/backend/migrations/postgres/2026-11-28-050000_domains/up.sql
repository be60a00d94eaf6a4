-- Domains that organisations prove by DNS, and of which end of a certificate their owners were told.

CREATE TABLE sso_domains (
    organisation_id TEXT NOT NULL REFERENCES identity_organisations (id) ON DELETE CASCADE,
    -- In ASCII, lower case.
    domain TEXT NOT NULL,
    token TEXT NOT NULL,
    connection_id TEXT REFERENCES sso_connections (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    verified_at BIGINT,
    checked_at BIGINT,
    failing_since BIGINT,
    told BOOLEAN NOT NULL,
    PRIMARY KEY (organisation_id, domain)
);
-- Proved by one organisation at a time.
CREATE UNIQUE INDEX sso_domains_verified ON sso_domains (domain) WHERE verified_at IS NOT NULL;
CREATE INDEX sso_domains_organisation ON sso_domains (organisation_id, created_at);
CREATE INDEX sso_domains_connection ON sso_domains (connection_id);
CREATE INDEX sso_domains_checked ON sso_domains (checked_at);

-- Days before the end of a certificate of which the owners were told last.
ALTER TABLE sso_connections ADD COLUMN certificate_told INTEGER;
