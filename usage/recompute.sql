-- lock --
-- One recompute at a time: what is loaded after this is newer than what any other has written.
SELECT pg_advisory_xact_lock(%(key)s)

-- has_marks --
SELECT EXISTS (SELECT FROM usage_dirty)

-- take_marks --
-- The marks of so many days; what is committed after this statement began stays for the next time.
WITH chosen AS (
    SELECT unit_id, channel, day FROM usage_dirty
    GROUP BY unit_id, channel, day
    ORDER BY unit_id, channel, day
    LIMIT %(limit)s
), gone AS (
    DELETE FROM usage_dirty d USING chosen c
    WHERE d.unit_id = c.unit_id AND d.channel = c.channel AND d.day = c.day
)
SELECT array_send(array_agg(unit_id)), array_send(array_agg(channel)), array_send(array_agg(day))
FROM (SELECT unit_id, channel, day FROM chosen ORDER BY unit_id, channel, day) marks

-- segments --
-- The installations of some series.
SELECT s.unit_id, s.channel, s.device_id, s.profile, s.valid_from, s.valid_to, s.multiplier
FROM v_source s
JOIN unnest(%(units)s::integer[], %(channels)s::smallint[]) AS w (unit_id, channel) USING (unit_id, channel)
ORDER BY s.unit_id, s.channel, s.valid_from

-- bounds --
-- How far so many usable readings reach before and after the changed days of a segment; of a register, what
-- was read off it at an exchange is one, too.
SELECT p.n, b.time, a.time
FROM unnest(%(ns)s::integer[], %(devices)s::integer[], %(channels)s::smallint[],
            %(valid_froms)s::timestamptz[], %(valid_tos)s::timestamptz[],
            %(firsts)s::timestamptz[], %(ends)s::timestamptz[], %(registers)s::boolean[])
    AS p (n, device_id, channel, valid_from, valid_to, first_at, end_at, is_register)
CROSS JOIN LATERAL (
    SELECT min(t.time) AS time FROM (
        (SELECT r.time FROM v_reading r
         WHERE r.device_id = p.device_id AND r.channel = p.channel
             AND r.time < p.first_at AND r.time >= p.valid_from AND r.quality & %(unusable)s = 0
         ORDER BY r.time DESC LIMIT %(window)s)
        UNION ALL
        (SELECT r.time FROM v_swap_reading r
         WHERE p.is_register AND r.device_id = p.device_id AND r.channel = p.channel
             AND r.time < p.first_at AND r.time >= p.valid_from)
        ORDER BY time DESC LIMIT %(window)s
    ) t
) b
CROSS JOIN LATERAL (
    SELECT max(t.time) AS time FROM (
        (SELECT r.time FROM v_reading r
         WHERE r.device_id = p.device_id AND r.channel = p.channel
             AND r.time >= p.end_at AND r.time < p.valid_to AND r.quality & %(unusable)s = 0
         ORDER BY r.time LIMIT %(window)s)
        UNION ALL
        (SELECT r.time FROM v_swap_reading r
         WHERE p.is_register AND r.device_id = p.device_id AND r.channel = p.channel
             AND r.time >= p.end_at AND r.time < p.valid_to)
        ORDER BY time LIMIT %(window)s
    ) t
) a

-- readings --
-- The readings of the days of a segment, and so many usable ones on either side, a segment a row.
SELECT p.n, x.times, x.receiveds, x.readings, x.qualities
FROM unnest(%(ns)s::integer[], %(devices)s::integer[], %(channels)s::smallint[],
            %(valid_froms)s::timestamptz[], %(valid_tos)s::timestamptz[],
            %(firsts)s::timestamptz[], %(ends)s::timestamptz[], %(registers)s::boolean[])
    AS p (n, device_id, channel, valid_from, valid_to, first_at, end_at, is_register)
CROSS JOIN LATERAL (
    SELECT coalesce(min(t.time), p.first_at) AS time FROM (
        (SELECT r.time FROM v_reading r
         WHERE r.device_id = p.device_id AND r.channel = p.channel
             AND r.time < p.first_at AND r.time >= p.valid_from AND r.quality & %(unusable)s = 0
         ORDER BY r.time DESC LIMIT %(window)s)
        UNION ALL
        (SELECT r.time FROM v_swap_reading r
         WHERE p.is_register AND r.device_id = p.device_id AND r.channel = p.channel
             AND r.time < p.first_at AND r.time >= p.valid_from)
        ORDER BY time DESC LIMIT %(window)s
    ) t
) low
CROSS JOIN LATERAL (
    SELECT coalesce(max(t.time), p.end_at) AS time FROM (
        (SELECT r.time FROM v_reading r
         WHERE r.device_id = p.device_id AND r.channel = p.channel
             AND r.time >= p.end_at AND r.time < p.valid_to AND r.quality & %(unusable)s = 0
         ORDER BY r.time LIMIT %(window)s)
        UNION ALL
        (SELECT r.time FROM v_swap_reading r
         WHERE p.is_register AND r.device_id = p.device_id AND r.channel = p.channel
             AND r.time >= p.end_at AND r.time < p.valid_to)
        ORDER BY time LIMIT %(window)s
    ) t
) high
CROSS JOIN LATERAL (
    SELECT array_send(array_agg(r.time)) AS times, array_send(array_agg(r.received_at)) AS receiveds,
        array_send(array_agg(r.value)) AS readings, array_send(array_agg(r.quality)) AS qualities
    FROM (
        SELECT r.time, r.received_at, r.value, r.quality FROM v_reading r
        WHERE r.device_id = p.device_id AND r.channel = p.channel
            AND r.time >= greatest(low.time, p.valid_from) AND r.time <= high.time AND r.time < p.valid_to
            AND r.quality & %(not_evidence)s = 0
        UNION ALL
        SELECT r.time, r.received_at, r.value, r.quality FROM v_swap_reading r
        WHERE p.is_register AND r.device_id = p.device_id AND r.channel = p.channel
            AND r.time >= greatest(low.time, p.valid_from) AND r.time <= high.time AND r.time < p.valid_to
    ) r
) x

-- make_new --
-- What COPY fills; a table a session.
CREATE TEMPORARY TABLE IF NOT EXISTS usage_new (LIKE usage) ON COMMIT DELETE ROWS

-- empty_new --
DELETE FROM usage_new

-- copy_new --
COPY usage_new (computed_at, day, unit_id, channel, quality, amount, covered_min, lag_h)
FROM STDIN (FORMAT BINARY)

-- put --
-- Only what differs: nobody downstream is woken for what stayed. Where readings are gone, only what says more.
INSERT INTO usage AS u (computed_at, day, unit_id, channel, quality, amount, covered_min, lag_h)
SELECT computed_at, day, unit_id, channel, quality, amount, covered_min, lag_h FROM usage_new
ON CONFLICT (unit_id, channel, day) DO UPDATE
    SET computed_at = excluded.computed_at, quality = excluded.quality, amount = excluded.amount,
        covered_min = excluded.covered_min, lag_h = excluded.lag_h
    WHERE (u.quality, u.amount, u.covered_min, u.lag_h)
        IS DISTINCT FROM (excluded.quality, excluded.amount, excluded.covered_min, excluded.lag_h)
    AND (excluded.day >= %(earliest)s
         OR (SELECT sum(m) FROM unnest(excluded.covered_min) m) > (SELECT sum(m) FROM unnest(u.covered_min) m))
RETURNING unit_id, channel, day

-- remove --
-- Days of which nothing is known any more.
DELETE FROM usage u
USING unnest(%(units)s::integer[], %(channels)s::smallint[], %(days)s::integer[]) AS g (unit_id, channel, day)
WHERE u.unit_id = g.unit_id AND u.channel = g.channel AND u.day = date '1970-01-01' + g.day
    AND u.day >= %(earliest)s
RETURNING u.unit_id, u.channel, u.day

-- forget_faults --
DELETE FROM usage_fault f
USING unnest(%(units)s::integer[], %(channels)s::smallint[], %(firsts)s::timestamptz[], %(ends)s::timestamptz[])
    AS s (unit_id, channel, first_at, end_at)
WHERE f.unit_id = s.unit_id AND f.channel = s.channel AND f.time >= s.first_at AND f.time < s.end_at
    AND f.time >= %(earliest)s

-- copy_faults --
COPY usage_fault (time, before, after, unit_id, device_id, channel, kind) FROM STDIN
