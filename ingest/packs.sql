-- choose --
-- The oldest blocks behind the newest pack, one after the other, up to the first that came too late or is one
-- too many; and whether something ended the row but the lack of more.
WITH alone AS (
    SELECT id, received_at, messages, raw_bytes
    FROM journal
    WHERE first_id IS NULL AND id > coalesce((SELECT max(id) FROM journal WHERE first_id IS NOT NULL), 0)
    ORDER BY id
    LIMIT %(messages)s
), counted AS (
    SELECT id, received_at, row_number() OVER up AS n, sum(messages) OVER up AS messages,
           sum(raw_bytes) OVER up AS bytes, first_value(received_at) OVER up AS first_at
    FROM alone
    WINDOW up AS (ORDER BY id)
), ends AS (
    SELECT min(id) FILTER (WHERE received_at >= %(before)s) AS too_new,
           min(id) FILTER (WHERE n > 1 AND (messages > %(messages)s OR bytes > %(bytes)s
                                            OR received_at > first_at + %(span)s)) AS too_many
    FROM counted
)
SELECT min(c.id), max(c.id), min(c.first_at),
       coalesce(bool_or(e.too_many < coalesce(e.too_new, 9223372036854775807)), false)
       OR (SELECT count(*) FROM alone) = %(messages)s
FROM counted c
CROSS JOIN ends e
WHERE c.id < coalesce(least(e.too_new, e.too_many), 9223372036854775807)

-- take --
DELETE FROM journal
WHERE id BETWEEN %(first)s AND %(last)s AND first_id IS NULL
RETURNING id, received_at, messages, raw_bytes, redacted, block

-- put --
INSERT INTO journal (received_at, id, messages, raw_bytes, redacted, block, first_id, first_at)
OVERRIDING SYSTEM VALUE
VALUES (%(received_at)s, %(id)s, %(messages)s, %(raw_bytes)s, %(redacted)s, %(block)s, %(first_id)s,
        %(first_at)s)
