-- ingest: what cannot be read off readings and events alone.

-- The last sign of each device, by our own clock and by its own.
CREATE TABLE device_sign (
    device_id   integer PRIMARY KEY,
    received_at timestamptz NOT NULL,     -- of its newest message
    device_at   timestamptz,              -- what that message said the time was
    counter     bigint,                   -- the highest number of its messages …
    boot        bigint,                   -- … since this restart
    missed      bigint NOT NULL DEFAULT 0 -- numbers below it that did not come
) WITH (fillfactor = 50);

-- A message whose decoder must not run inside ingest: written with its batch, replaced by its result.
CREATE TABLE decode_todo (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    journal_id  bigint NOT NULL,
    device_id   integer NOT NULL,
    topic       text NOT NULL,
    payload     bytea NOT NULL,
    quality     smallint NOT NULL,        -- flags of its arrival
    attempts    smallint NOT NULL DEFAULT 0
);

-- One run of `anju replay`.
CREATE TABLE replay (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL,
    by       text NOT NULL,
    scope    jsonb NOT NULL,              -- what was asked for
    outcome  jsonb NOT NULL
);
-- What a replay replaced, as it stood.
CREATE TABLE reading_archive (LIKE reading);
ALTER TABLE reading_archive ADD COLUMN replay_id integer NOT NULL REFERENCES replay;
CREATE INDEX reading_archive_key ON reading_archive (device_id, channel, time);
CREATE TABLE event_archive (LIKE event);
ALTER TABLE event_archive ADD COLUMN replay_id integer NOT NULL REFERENCES replay;
CREATE INDEX event_archive_key ON event_archive (device_id, time);

CREATE VIEW v_device_sign AS SELECT * FROM device_sign;
