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
    name         text NOT NULL,           -- wire.commands
    arguments    jsonb NOT NULL DEFAULT '{}',
    status       text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('proposed', 'queued', 'sent', 'acknowledged', 'failed', 'expired', 'refused')),
    reason       text NOT NULL DEFAULT '', -- wire.commands: of commands that need two persons
    note         text NOT NULL DEFAULT '',
    asked_by     text NOT NULL,
    asked_at     timestamptz NOT NULL,
    approved_by  text,
    approved_at  timestamptz,
    valid_for    interval NOT NULL,       -- from the moment that it is queued
    expires_at   timestamptz NOT NULL,    -- of a proposal: until then it can be approved
    attempts     smallint NOT NULL DEFAULT 0,
    sent_at      timestamptz,             -- the newest attempt
    taken_at     timestamptz,             -- the broker has it
    ended_at     timestamptz,
    refusal      text,                    -- why it was refused
    answer       jsonb,                   -- the device's own word, late or not
    CHECK (approved_by IS NULL OR approved_by <> asked_by),
    CHECK ((status = 'refused') = (refusal IS NOT NULL))
);
CREATE INDEX command_open ON command (expires_at) WHERE status IN ('proposed', 'queued', 'sent');
CREATE INDEX command_device ON command (device_id, asked_at);

-- For other rooms: homes whose power, water or gas was cut by a command, and not given back by one.
CREATE VIEW v_cut AS
SELECT cut.id AS command_id, cut.device_id, cut.name, cut.reason, cut.ended_at AS since
FROM (
    SELECT DISTINCT ON (device_id, name IN ('valve_open', 'valve_close')) *
    FROM command
    WHERE status = 'acknowledged' AND name IN ('relay_open', 'relay_close', 'valve_open', 'valve_close')
    ORDER BY device_id, name IN ('valve_open', 'valve_close'), ended_at DESC
) cut
WHERE cut.name IN ('relay_open', 'valve_close');
