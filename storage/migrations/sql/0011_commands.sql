-- devices: what devices prove themselves by, and what is said to them.

-- Issued once; only a hash is kept.
CREATE TABLE credential (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id  integer NOT NULL REFERENCES device,
    kind       text NOT NULL CHECK (kind IN ('password', 'certificate', 'http')),
    hash       text NOT NULL,             -- of a certificate: its fingerprint, SHA-256
    serial     text,                      -- of a certificate: its number, for the list of revoked ones
    issued_at  timestamptz NOT NULL,
    issued_by  text NOT NULL,
    revoked_at timestamptz,
    CHECK ((kind = 'certificate') = (serial IS NOT NULL))
);
CREATE UNIQUE INDEX credential_in_force ON credential (device_id, kind) WHERE revoked_at IS NULL;

CREATE TABLE command (
    id           uuid PRIMARY KEY,        -- also the idempotency key and the correlation id
    device_id    integer NOT NULL REFERENCES device,
    name         text NOT NULL,
    arguments    jsonb NOT NULL DEFAULT '{}',
    status       text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('proposed', 'queued', 'sent', 'acknowledged', 'failed', 'expired', 'refused')),
    reason       text NOT NULL DEFAULT '',
    asked_by     text NOT NULL,
    asked_at     timestamptz NOT NULL,
    approved_by  text,
    approved_at  timestamptz,
    expires_at   timestamptz NOT NULL,
    sent_at      timestamptz,
    ended_at     timestamptz,
    answer       jsonb,
    CHECK (approved_by IS NULL OR approved_by <> asked_by)
);
CREATE INDEX command_open ON command (expires_at) WHERE status IN ('proposed', 'queued', 'sent');
