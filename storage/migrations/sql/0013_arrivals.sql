-- ingest: what cannot be read off readings and events alone.

-- The last sign of each device, by our own clock and by its own: its own traffic and nothing else.
CREATE TABLE device_sign (
    device_id   integer PRIMARY KEY,
    received_at timestamptz NOT NULL,     -- of its newest message
    device_at   timestamptz,              -- the newest time that message stated; null: none ever did
    lag_s       real,                     -- arrival minus that time: below zero its clock is ahead
    lag_low_s   real,                     -- the range of the latest lags; an older one fades
    lag_high_s  real,
    boot        bigint,                   -- what it counts restarts by, if it does
    first       bigint,                   -- the lowest and …
    counter     bigint,                   -- … the highest number of its messages since then
    counted_at  timestamptz,              -- the newest time that numbered messages stated
    missing     int8multirange NOT NULL DEFAULT '{}', -- numbers below it that did not come
    limited     bigint NOT NULL DEFAULT 0, -- messages above its rate …
    limited_at  timestamptz               -- … the newest of them
) WITH (fillfactor = 50);

-- Whether ingest listens at all: where it does not, a silent device proves nothing.
ALTER TABLE ingest_state
    ALTER COLUMN committed_at DROP NOT NULL, -- nothing has come yet
    ALTER COLUMN lag_s DROP NOT NULL,
    ADD COLUMN listened_at     timestamptz, -- its newest sign, with or without messages
    ADD COLUMN listening_since timestamptz, -- without an outage
    ADD COLUMN worst_lag_s     real,        -- the largest lag of late …
    ADD COLUMN worst_at        timestamptz; -- … and when

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

-- The newest word of each device on its battery: wire.events.EventType.battery_low.
CREATE INDEX event_battery ON event (device_id, time) WHERE type = 8;

CREATE VIEW v_device_sign AS SELECT * FROM device_sign;
CREATE VIEW v_ingest_state AS SELECT * FROM ingest_state;
CREATE VIEW v_ingest_tally AS SELECT * FROM ingest_tally;
