-- ingest: what arrived, as it arrived, and what it says. No foreign key points into these tables, and
-- every unique key of a table that may become a hypertable contains its time.

-- One committed batch: zstd of a MessagePack array of [topic, payload, received_at (us), properties].
CREATE TABLE journal (
    received_at timestamptz NOT NULL,     -- of the first message
    id          bigint GENERATED ALWAYS AS IDENTITY,
    messages    integer NOT NULL,
    raw_bytes   integer NOT NULL,
    redacted    text[] NOT NULL DEFAULT '{}', -- personal keys that were cut from some message
    block       bytea NOT NULL,
    PRIMARY KEY (id, received_at)
);
-- What was received is never put otherwise; whole blocks go when their time is over.
CREATE TRIGGER journal_append_only BEFORE UPDATE ON journal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE reading (
    time        timestamptz NOT NULL,     -- from the payload, if it carries one
    received_at timestamptz NOT NULL,
    value       double precision NOT NULL,
    journal_id  bigint,                   -- null: imported
    device_id   integer NOT NULL,
    channel     smallint NOT NULL,
    quality     smallint NOT NULL DEFAULT 0,
    decoder     smallint NOT NULL,        -- decoder id * 100 + version
    UNIQUE (device_id, channel, time)
);

CREATE TABLE event (
    time        timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    value       double precision,
    journal_id  bigint,
    device_id   integer NOT NULL,
    type        smallint NOT NULL,
    method      smallint NOT NULL DEFAULT 0,
    result      smallint NOT NULL DEFAULT 0,
    quality     smallint NOT NULL DEFAULT 0,
    decoder     smallint NOT NULL,
    subject     text,                     -- a pseudonym, never a name
    dedupe_key  text NOT NULL,
    UNIQUE (device_id, dedupe_key, time)
);
CREATE INDEX event_device_time ON event (device_id, time);

CREATE TABLE quarantine (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_hash bytea NOT NULL UNIQUE,   -- sha256 of topic, 0x00, payload
    topic        text NOT NULL,
    payload      bytea NOT NULL,
    reason       text NOT NULL,
    detail       text NOT NULL DEFAULT '',
    decoder      smallint NOT NULL,
    journal_id   bigint,
    first_at     timestamptz NOT NULL,
    last_at      timestamptz NOT NULL,
    repeats      integer NOT NULL DEFAULT 0
);

-- What was counted on one UTC day, kept in the transaction that stored it: status costs no scan. A row a
-- source (client id of an ingest process, or `import`), so that a long import does not hold up ingest.
CREATE TABLE ingest_tally (
    day              date NOT NULL,
    source           text NOT NULL,
    messages         bigint NOT NULL DEFAULT 0,
    readings         bigint NOT NULL DEFAULT 0,
    events           bigint NOT NULL DEFAULT 0,
    duplicates       bigint NOT NULL DEFAULT 0, -- readings whose key was there already
    event_duplicates bigint NOT NULL DEFAULT 0,
    quarantined      bigint NOT NULL DEFAULT 0, -- rows, not repeats
    PRIMARY KEY (day, source)
);

-- The last sign of each ingest process.
CREATE TABLE ingest_state (
    client_id    text PRIMARY KEY,
    committed_at timestamptz NOT NULL,
    lag_s        real NOT NULL            -- commit minus arrival of the oldest message of the batch
);

-- Markers that `anju settle` sent and ingest committed; not counted, swept when old.
CREATE TABLE ingest_marker (
    marker       uuid PRIMARY KEY,
    committed_at timestamptz NOT NULL
);

-- For other rooms: what devices said.
CREATE VIEW v_reading AS
SELECT device_id, channel, time, received_at, value, quality FROM reading;
CREATE VIEW v_event AS
SELECT device_id, time, received_at, type, method, result, value, subject, quality FROM event;

-- The newest row of one source that has none of the flags `without`. What a device tells of itself counts
-- for its events: nobody passes the door of an empty home, but its lock still reports itself.
CREATE FUNCTION last_heard(of_device integer, of_channel smallint, since timestamptz, without integer)
RETURNS TABLE (at timestamptz) LANGUAGE sql STABLE AS $$
    SELECT max(newest.time)
    FROM (
        (SELECT r.time FROM v_reading r
         WHERE of_channel <> 0 AND r.device_id = of_device AND r.channel = of_channel
           AND r.quality & without = 0 AND r.time >= since
         ORDER BY r.time DESC LIMIT 1)
        UNION ALL
        (SELECT e.time FROM v_event e
         WHERE of_channel = 0 AND e.device_id = of_device AND e.quality & without = 0 AND e.time >= since
         ORDER BY e.time DESC LIMIT 1)
        UNION ALL
        (SELECT r.time FROM channel c CROSS JOIN LATERAL (
             SELECT r.time FROM v_reading r
             WHERE r.device_id = of_device AND r.channel = c.code
               AND r.quality & without = 0 AND r.time >= since
             ORDER BY r.time DESC LIMIT 1) r
         WHERE of_channel = 0)
    ) newest
$$;
