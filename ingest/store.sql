-- copy_readings --
COPY reading (time, received_at, value, journal_id, device_id, channel, quality, decoder)
FROM STDIN (FORMAT BINARY)

-- copy_events --
COPY event (time, received_at, value, journal_id, device_id, type, method, result, quality, decoder, subject,
            dedupe_key)
FROM STDIN (FORMAT BINARY)

-- stage_readings --
-- Emptied here too: an import merges several times in one transaction.
CREATE TEMP TABLE IF NOT EXISTS reading_stage (LIKE reading) ON COMMIT DELETE ROWS;
TRUNCATE reading_stage

-- stage_events --
CREATE TEMP TABLE IF NOT EXISTS event_stage (LIKE event) ON COMMIT DELETE ROWS;
TRUNCATE event_stage

-- copy_staged_readings --
COPY reading_stage (time, received_at, value, journal_id, device_id, channel, quality, decoder)
FROM STDIN (FORMAT BINARY)

-- copy_staged_events --
COPY event_stage (time, received_at, value, journal_id, device_id, type, method, result, quality, decoder,
                  subject, dedupe_key)
FROM STDIN (FORMAT BINARY)

-- merge_readings --
-- The rule of conflict.py: the least of (unproven, value, arrival, flags, decoder) stays, and is flagged 2
-- when another value came under its key with equal proof. Returns the rows that are new or changed.
INSERT INTO reading AS r (time, received_at, value, journal_id, device_id, channel, quality, decoder)
SELECT time, received_at, value, journal_id, device_id, channel, quality, decoder
FROM reading_stage
ORDER BY device_id, channel, time
ON CONFLICT (device_id, channel, time) DO UPDATE
SET (value, received_at, journal_id, decoder, quality) = (
    SELECT w.value, w.received_at, w.journal_id, w.decoder,
           CASE WHEN r.quality & 4 = excluded.quality & 4 AND r.value <> excluded.value
                THEN w.quality | 2
                WHEN r.quality & 4 = excluded.quality & 4
                THEN w.quality | (r.quality & 2) | (excluded.quality & 2)
                ELSE w.quality END
    FROM (VALUES
        (r.value, r.received_at, r.journal_id, r.decoder, r.quality),
        (excluded.value, excluded.received_at, excluded.journal_id, excluded.decoder, excluded.quality)
    ) AS w (value, received_at, journal_id, decoder, quality)
    ORDER BY w.quality & 4, w.value, w.received_at, w.quality & ~2, w.decoder
    LIMIT 1
)
WHERE (excluded.quality & 4, excluded.value, excluded.received_at, excluded.quality & ~2, excluded.decoder)
    < (r.quality & 4, r.value, r.received_at, r.quality & ~2, r.decoder)
OR (r.quality & 4 = excluded.quality & 4 AND r.quality & 2 = 0
    AND (r.value <> excluded.value OR excluded.quality & 2 = 2))
RETURNING r.device_id, r.channel, (extract(epoch FROM r.time) * 1000000)::bigint, r.quality, r.xmax = 0

-- merge_events --
-- An event's content is in its key: only proof and arrival can differ. Returns the rows that are new or
-- changed.
INSERT INTO event AS e (time, received_at, value, journal_id, device_id, type, method, result, quality, decoder,
                        subject, dedupe_key)
SELECT time, received_at, value, journal_id, device_id, type, method, result, quality, decoder, subject,
       dedupe_key
FROM event_stage
ORDER BY device_id, dedupe_key, time
ON CONFLICT (device_id, dedupe_key, time) DO UPDATE
SET received_at = excluded.received_at, journal_id = excluded.journal_id, quality = excluded.quality,
    decoder = excluded.decoder
WHERE (excluded.quality & 4, excluded.received_at, excluded.quality, excluded.decoder)
    < (e.quality & 4, e.received_at, e.quality, e.decoder)
RETURNING e.device_id, (extract(epoch FROM e.time) * 1000000)::bigint, e.quality, e.xmax = 0

-- tally --
INSERT INTO ingest_tally AS t (day, source, messages, readings, events, duplicates, event_duplicates, quarantined)
VALUES (%(day)s, %(source)s, %(messages)s, %(readings)s, %(events)s, %(duplicates)s, %(event_duplicates)s,
        %(quarantined)s)
ON CONFLICT (day, source) DO UPDATE
SET messages = t.messages + excluded.messages, readings = t.readings + excluded.readings,
    events = t.events + excluded.events, duplicates = t.duplicates + excluded.duplicates,
    event_duplicates = t.event_duplicates + excluded.event_duplicates,
    quarantined = t.quarantined + excluded.quarantined

-- mark --
-- Appends marks, days since 1970, and wakes the worker.
WITH marked AS (
    INSERT INTO usage_dirty (unit_id, channel, day)
    SELECT unit_id, channel, date 'epoch' + day
    FROM unnest(%(units)s::integer[], %(channels)s::smallint[], %(days)s::integer[])
        AS m (unit_id, channel, day)
)
SELECT pg_notify('usage_dirty', '')
