-- put --
-- Returns how many rows are new; a repetition is counted on its row.
WITH put AS (
    INSERT INTO quarantine AS q (message_hash, topic, payload, reason, detail, decoder, journal_id, first_at,
                                 last_at, repeats)
    SELECT * FROM unnest(%(hashes)s::bytea[], %(topics)s::text[], %(payloads)s::bytea[], %(reasons)s::text[],
                         %(details)s::text[], %(decoders)s::smallint[], %(journals)s::bigint[],
                         %(firsts)s::timestamptz[], %(lasts)s::timestamptz[], %(repeats)s::integer[])
    ON CONFLICT (message_hash) DO UPDATE
    SET repeats = q.repeats + 1 + excluded.repeats, last_at = greatest(q.last_at, excluded.last_at)
    RETURNING xmax = 0 AS new
)
SELECT count(*) FILTER (WHERE new) FROM put
