-- shadow --
-- On this connection alone, `reading` and `event` are now these: what ingest writes with decides between two
-- rows of a key here as it would there.
CREATE TEMP TABLE reading (LIKE public.reading INCLUDING INDEXES);
CREATE TEMP TABLE event (LIKE public.event INCLUDING INDEXES);
CREATE TEMP TABLE old_reading (LIKE public.reading);
CREATE TEMP TABLE old_event (LIKE public.event);
CREATE TEMP TABLE replayed_block (id bigint PRIMARY KEY, topics text[] NOT NULL, judged integer[] NOT NULL)

-- unshadow --
-- The real tables are themselves again; what was decoded waits where a batch is merged from.
DROP TABLE IF EXISTS pg_temp.reading_stage, pg_temp.event_stage;
ALTER TABLE pg_temp.reading RENAME TO reading_stage;
ALTER TABLE pg_temp.event RENAME TO event_stage

-- forget --
DROP TABLE IF EXISTS pg_temp.reading, pg_temp.event, pg_temp.reading_stage, pg_temp.event_stage,
    pg_temp.replayed_block, pg_temp.old_reading, pg_temp.old_event

-- blocks --
SELECT id FROM journal
WHERE received_at >= %(since)s - %(reach)s AND coalesce(first_at, received_at) < %(until)s
ORDER BY received_at, id

-- blocks_of_quarantine --
-- A row stands for every time that the message came, and one of a sender above its rate for a whole minute:
-- any block between its two times may hold one of them.
SELECT j.id FROM journal j
WHERE EXISTS (
    SELECT FROM quarantine q
    WHERE q.last_at >= %(since)s AND q.first_at < %(until)s
      AND (%(reason)s::text IS NULL OR q.reason = %(reason)s)
      AND j.received_at >= q.first_at - %(reach)s AND coalesce(j.first_at, j.received_at) <= q.last_at
)
ORDER BY j.received_at, j.id

-- topics_of_quarantine --
SELECT q.topic, q.reason FROM quarantine q
WHERE q.last_at >= %(since)s AND q.first_at < %(until)s
  AND (%(reason)s::text IS NULL OR q.reason = %(reason)s)

-- blocks_by_id --
SELECT id, block, first_id IS NOT NULL FROM journal WHERE id = ANY (%(ids)s) ORDER BY received_at, id

-- note_block --
INSERT INTO replayed_block VALUES (%(id)s, %(topics)s, %(judged)s) ON CONFLICT (id) DO NOTHING

-- blocks_met --
-- Rows that say something of a key we decoded anew, but stem from a block that we did not read: an older
-- decoder's word must not stand as a rival beside our own.
WITH wanted AS (
    SELECT m.id FROM (
        SELECT r.journal_id AS id FROM public.reading r
        JOIN pg_temp.reading s USING (device_id, channel, time)
        UNION
        SELECT r.journal_id FROM public.event r
        JOIN pg_temp.event s USING (device_id, dedupe_key, time)
    ) m
    WHERE NOT EXISTS (SELECT FROM replayed_block b WHERE b.id = m.id)
)
SELECT j.id FROM journal j
WHERE j.first_id IS NULL AND j.id IN (SELECT w.id FROM wanted w)
OR j.first_id IS NOT NULL AND EXISTS (SELECT FROM wanted w WHERE w.id BETWEEN j.first_id AND j.id)
ORDER BY j.received_at, j.id

-- keep_conflicts --
-- A conflict with a message of another block is not forgotten.
UPDATE reading_stage s SET quality = s.quality | 2
FROM public.reading r
WHERE (r.device_id, r.channel, r.time) = (s.device_id, s.channel, s.time)
  AND r.quality & 2 = 2 AND r.value = s.value

-- old_readings --
-- What these blocks said before, as far as it is in scope and would now be said otherwise. A device that was
-- not taken at its word in a block, for what the registry says of it today, keeps the rows that it has from it.
INSERT INTO old_reading
SELECT r.* FROM public.reading r
JOIN replayed_block b ON b.id = r.journal_id AND r.device_id = ANY (b.judged)
LEFT JOIN reading_stage s ON (s.device_id, s.channel, s.time) = (r.device_id, r.channel, r.time)
WHERE (%(devices)s::integer[] IS NULL OR r.device_id = ANY (%(devices)s))
  AND (%(decoder)s::integer IS NULL OR r.decoder / 100 = %(decoder)s OR s.device_id IS NOT NULL)
  AND (s.value, s.quality, s.decoder, s.received_at)
      IS DISTINCT FROM (r.value, r.quality, r.decoder, r.received_at)

-- old_events --
INSERT INTO old_event
SELECT r.* FROM public.event r
JOIN replayed_block b ON b.id = r.journal_id AND r.device_id = ANY (b.judged)
LEFT JOIN event_stage s ON (s.device_id, s.dedupe_key, s.time) = (r.device_id, r.dedupe_key, r.time)
WHERE (%(devices)s::integer[] IS NULL OR r.device_id = ANY (%(devices)s))
  AND (%(decoder)s::integer IS NULL OR r.decoder / 100 = %(decoder)s OR s.device_id IS NOT NULL)
  AND (s.quality, s.decoder, s.received_at) IS DISTINCT FROM (r.quality, r.decoder, r.received_at)

-- archive_readings --
INSERT INTO reading_archive SELECT o.*, %(replay)s FROM old_reading o

-- archive_events --
INSERT INTO event_archive SELECT o.*, %(replay)s FROM old_event o

-- remove_readings --
DELETE FROM public.reading r USING old_reading o
WHERE (r.device_id, r.channel, r.time) = (o.device_id, o.channel, o.time)
RETURNING r.device_id, r.channel, (extract(epoch FROM r.time) * 1000000)::bigint

-- remove_events --
DELETE FROM public.event r USING old_event o
WHERE (r.device_id, r.dedupe_key, r.time) = (o.device_id, o.dedupe_key, o.time)
RETURNING r.device_id, (extract(epoch FROM r.time) * 1000000)::bigint

-- begin_run --
INSERT INTO replay (at, by, scope, outcome) VALUES (%(at)s, %(by)s, %(scope)s, '{}') RETURNING id

-- end_run --
UPDATE replay SET outcome = %(outcome)s WHERE id = %(id)s

-- settle_quarantine --
-- What is refused no longer goes, if it is in scope: its topic is as a whole, or this very part is; what is refused for another reason now says so.
WITH again AS (
    SELECT * FROM unnest(%(hashes)s::bytea[], %(reasons)s::text[], %(details)s::text[], %(decoders)s::smallint[])
        AS a (hash, reason, detail, decoder)
), said_otherwise AS (
    UPDATE quarantine q SET reason = a.reason, detail = a.detail, decoder = a.decoder
    FROM again a
    WHERE q.message_hash = a.hash AND (q.reason, q.detail, q.decoder) IS DISTINCT FROM (a.reason, a.detail, a.decoder)
)
DELETE FROM quarantine q
USING replayed_block b
WHERE q.journal_id = b.id AND (q.topic = ANY (b.topics) OR q.message_hash = ANY (%(settled)s::bytea[]))
  AND NOT EXISTS (SELECT FROM again a WHERE a.hash = q.message_hash)

-- known_quarantine --
SELECT message_hash FROM quarantine WHERE message_hash = ANY (%(hashes)s)
