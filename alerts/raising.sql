-- lock --
SELECT pg_advisory_xact_lock(%(lock)s)

-- faults --
SELECT device_id, kind, channel, since, detail, profile, estate_id, unit_id
FROM v_device_condition
WHERE behind IS NULL

-- cuts --
-- Supplies that were cut by a command, and not given back.
SELECT device_id, name, reason, since, estate_id, unit_id FROM v_cut WHERE active

-- clear --
-- Its cause is gone; what persons make of it is theirs.
UPDATE alert a SET cleared_at = %(now)s
WHERE a.cleared_at IS NULL AND NOT EXISTS (
    SELECT
    FROM unnest(%(origins)s::text[], %(kinds)s::text[]) AS w (origin, kind)
    WHERE (w.origin, w.kind) = (a.origin, a.kind)
)

-- update --
UPDATE alert a
SET seen_at = %(now)s, since = least(a.since, w.since), severity = w.severity, detail = w.detail::jsonb,
    estate_id = w.estate_id, unit_id = w.unit_id, device_id = w.device_id
FROM (
    SELECT *
    FROM unnest(%(origins)s::text[], %(kinds)s::text[], %(severities)s::text[], %(estates)s::integer[],
                %(units)s::integer[], %(devices)s::integer[], %(since)s::timestamptz[], %(details)s::text[])
        AS w (origin, kind, severity, estate_id, unit_id, device_id, since, detail)
) w
WHERE a.cleared_at IS NULL AND (a.origin, a.kind) = (w.origin, w.kind)

-- repeat --
-- A person closed it, and its cause goes on.
WITH found AS (
    SELECT id FROM alert
    WHERE cleared_at IS NULL AND status = 'closed' AND closed_at <= %(now)s::timestamptz - %(repeat_after)s
    ORDER BY id
    FOR UPDATE
), again AS (
    UPDATE alert a SET status = 'open', closed_at = NULL, times = times + 1, version = version + 1
    FROM found f
    WHERE a.id = f.id
    RETURNING a.id
)
INSERT INTO alert_step (alert_id, action, from_status, to_status, by, at)
SELECT id, 'raise', 'closed', 'open', %(by)s, %(now)s FROM again

-- reopen --
-- It was over and comes again: the same alert, if nobody has looked at it yet or it was over for a short time.
WITH found AS (
    SELECT w.*, o.id, o.status
    FROM (
        SELECT *
    FROM unnest(%(origins)s::text[], %(kinds)s::text[], %(severities)s::text[], %(estates)s::integer[],
                %(units)s::integer[], %(devices)s::integer[], %(since)s::timestamptz[], %(details)s::text[])
        AS w (origin, kind, severity, estate_id, unit_id, device_id, since, detail)
    ) w
    CROSS JOIN LATERAL (
        SELECT a.id, a.status
        FROM alert a
        WHERE (a.origin, a.kind) = (w.origin, w.kind) AND a.cleared_at IS NOT NULL AND a.status <> 'closed'
          AND (a.status = 'open' OR a.cleared_at > %(now)s::timestamptz - %(flap_within)s)
        ORDER BY a.cleared_at DESC
        LIMIT 1
    ) o
    WHERE NOT EXISTS (
        SELECT FROM alert a WHERE (a.origin, a.kind) = (w.origin, w.kind) AND a.cleared_at IS NULL
    )
), again AS (
    UPDATE alert a
    SET cleared_at = NULL, seen_at = %(now)s, since = f.since, severity = f.severity, detail = f.detail::jsonb,
        status = CASE WHEN a.status = 'resolved' THEN 'open' ELSE a.status END, times = a.times + 1,
        version = a.version + 1
    FROM found f
    WHERE a.id = f.id
    RETURNING a.id, f.status AS before, a.status
)
INSERT INTO alert_step (alert_id, action, from_status, to_status, by, at)
SELECT id, 'raise', before, status, %(by)s, %(now)s FROM again

-- raise --
INSERT INTO alert (origin, kind, severity, estate_id, unit_id, device_id, since, raised_at, seen_at, detail)
SELECT w.origin, w.kind, w.severity, w.estate_id, w.unit_id, w.device_id, w.since, %(now)s, %(now)s,
       w.detail::jsonb
    FROM unnest(%(origins)s::text[], %(kinds)s::text[], %(severities)s::text[], %(estates)s::integer[],
                %(units)s::integer[], %(devices)s::integer[], %(since)s::timestamptz[], %(details)s::text[])
        AS w (origin, kind, severity, estate_id, unit_id, device_id, since, detail)
WHERE NOT EXISTS (
    SELECT FROM alert a WHERE (a.origin, a.kind) = (w.origin, w.kind) AND a.cleared_at IS NULL
)
