-- put --
INSERT INTO decode_todo (received_at, journal_id, device_id, topic, payload, quality)
VALUES (%s, %s, %s, %s, %s, %s)

-- notify --
NOTIFY decode_todo

-- waiting --
SELECT id FROM decode_todo LIMIT 1

-- claim --
-- The oldest first. Counted before they are tried: what brings the worker down is counted, too.
WITH claimed AS (
    UPDATE decode_todo SET attempts = attempts + 1
    WHERE id IN (SELECT id FROM decode_todo ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING id, received_at, journal_id, device_id, topic, payload, quality, attempts
)
SELECT * FROM claimed ORDER BY id

-- take --
-- Those that are still there are ours to replace.
DELETE FROM decode_todo WHERE id = ANY(%(ids)s) RETURNING id
