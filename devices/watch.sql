-- lock --
SELECT pg_advisory_xact_lock(%(lock)s)

-- listening --
-- An ingest process that gave no sign for long is gone; while one is there, ingest listens.
SELECT max(listened_at), min(listening_since) FILTER (WHERE listened_at >= %(now)s::timestamptz - %(outage)s),
       max(listening_since)
FROM v_ingest_state
WHERE listened_at IS NOT NULL

-- devices --
-- Devices that hang somewhere now, and gateways of such devices.
WITH hanging AS (
    SELECT i.device_id, min(i.valid_from) AS installed_at
    FROM installation i
    WHERE i.valid_from <= %(now)s AND (i.valid_to IS NULL OR i.valid_to > %(now)s)
    GROUP BY i.device_id
), watched AS (
    SELECT device_id, min(installed_at) AS installed_at
    FROM (
        SELECT device_id, installed_at FROM hanging
        UNION ALL
        SELECT d.gateway_id, h.installed_at
        FROM hanging h JOIN device d ON d.id = h.device_id
        WHERE d.gateway_id IS NOT NULL AND d.status = 'active'
    ) w
    GROUP BY device_id
)
SELECT d.id, d.profile, d.gateway_id, e.city, w.installed_at, s.received_at, s.device_at, s.lag_s, s.lag_low_s,
       s.lag_high_s, s.counter, CASE WHEN NOT isempty(s.missing) THEN s.missing::text END, s.limited_at
FROM watched w
JOIN device d ON d.id = w.device_id AND d.status = 'active'
JOIN estate e ON e.id = d.estate_id
LEFT JOIN v_device_sign s ON s.device_id = d.id

-- behind --
-- Metered channels that serve something now, and whose newest proven reading lies well behind what their device
-- has reached by its own clock; the others need no closer look.
SELECT i.device_id, d.profile, i.channel, i.valid_from, r.time
FROM installation i
JOIN device d ON d.id = i.device_id AND d.status = 'active'
JOIN channel c ON c.code = i.channel AND c.metered
JOIN v_device_sign s ON s.device_id = i.device_id
LEFT JOIN LATERAL (
    SELECT r.time
    FROM v_reading r
    WHERE r.device_id = i.device_id AND r.channel = i.channel
      AND r.time >= greatest(i.valid_from, %(floor)s::timestamptz) AND r.quality & %(unproven)s = 0
    ORDER BY r.time DESC
    LIMIT 1
) r ON true
WHERE i.valid_from <= %(now)s AND (i.valid_to IS NULL OR i.valid_to > %(now)s)
  AND coalesce(r.time, i.valid_from) < coalesce(s.device_at, s.received_at) - %(well)s::interval

-- low --
-- Batteries whose newest proven reading is below the limit of their profile.
SELECT d.id, a.channel, r.time, r.value
FROM unnest(%(profiles)s::text[], %(channels)s::smallint[], %(limits)s::float8[]) AS a (profile, channel, below)
JOIN device d ON d.profile = a.profile AND d.status = 'active'
CROSS JOIN LATERAL (
    SELECT r.time, r.value
    FROM v_reading r
    WHERE r.device_id = d.id AND r.channel = a.channel AND r.time >= %(floor)s AND r.quality & %(unproven)s = 0
    ORDER BY r.time DESC
    LIMIT 1
) r
WHERE r.value < a.below

-- unmoved --
-- Channels whose newest proven reading is the one of long before. Where a gauge is asked for with them, only
-- while it shows something, which moves them: then the gauge is named.
SELECT d.id, coalesce(a.gauge, a.channel), before.time, r.time
FROM unnest(%(profiles)s::text[], %(channels)s::smallint[], %(after)s::interval[], %(gauges)s::smallint[],
            %(at_least)s::float8[]) AS a (profile, channel, after, gauge, at_least)
JOIN device d ON d.profile = a.profile AND d.status = 'active'
LEFT JOIN LATERAL (
    SELECT g.value
    FROM v_reading g
    WHERE g.device_id = d.id AND g.channel = a.gauge AND g.time >= %(floor)s AND g.quality & %(unproven)s = 0
    ORDER BY g.time DESC
    LIMIT 1
) shown ON true
CROSS JOIN LATERAL (
    SELECT r.time, r.value
    FROM v_reading r
    WHERE (a.gauge IS NULL OR shown.value >= a.at_least) AND r.device_id = d.id AND r.channel = a.channel
      AND r.time >= %(floor)s AND r.quality & %(unproven)s = 0
    ORDER BY r.time DESC
    LIMIT 1
) r
CROSS JOIN LATERAL (
    SELECT b.time, b.value
    FROM v_reading b
    WHERE b.device_id = d.id AND b.channel = a.channel AND b.time <= r.time - a.after
      AND b.time >= r.time - 2 * a.after AND b.quality & %(unproven)s = 0
    ORDER BY b.time DESC
    LIMIT 1
) before
WHERE before.value = r.value

-- stretches --
-- What the readings of each channel asked for were over a time.
SELECT a.device_id, a.channel, min(r.time), count(*), min(r.value), max(r.value)
FROM unnest(%(devices)s::integer[], %(channels)s::smallint[], %(since)s::timestamptz[],
            %(before)s::timestamptz[]) AS a (device_id, channel, since, before)
JOIN v_reading r ON r.device_id = a.device_id AND r.channel = a.channel AND r.time BETWEEN a.since AND a.before
    AND r.quality & %(unproven)s = 0
GROUP BY a.device_id, a.channel

-- told --
-- The newest word of each device on its battery; the type stands here as in the index that finds it.
SELECT d.id, e.time
FROM device d
CROSS JOIN LATERAL (
    SELECT e.time, e.value
    FROM v_event e
    WHERE e.device_id = d.id AND e.type = 8 AND e.time >= %(floor)s AND e.quality & %(unproven)s = 0
    ORDER BY e.time DESC
    LIMIT 1
) e
WHERE d.status = 'active' AND d.profile = ANY(%(profiles)s) AND e.value IS DISTINCT FROM 0

-- standing --
SELECT device_id, kind, behind, until FROM device_condition

-- clear --
-- What the pass no longer finds, and the silence of what was heard while it looked. What the use of a home says of
-- a device stays while it hangs somewhere: it is cleared by use.
DELETE FROM device_condition c
WHERE NOT (c.kind = ANY(%(doubts)s) AND c.device_id = ANY(%(watched)s))
  AND NOT EXISTS (
    SELECT
    FROM unnest(%(devices)s::integer[], %(kinds)s::text[], %(channels)s::smallint[],
                %(heard)s::timestamptz[]) AS f (device_id, kind, channel, heard)
    WHERE (f.device_id, f.kind, f.channel) = (c.device_id, c.kind, c.channel)
      AND NOT (f.kind = ANY(%(silences)s) AND EXISTS (
          SELECT FROM v_device_sign s
          WHERE s.device_id = f.device_id AND s.received_at > coalesce(f.heard, '-infinity')
      ))
)

-- put --
-- Where it stood before, it stands since then. What was heard while the pass looked is not silent.
INSERT INTO device_condition AS c (device_id, kind, channel, since, seen_at, detail, behind, until)
SELECT f.device_id, f.kind, f.channel, f.since, %(now)s, f.detail::jsonb, f.behind, f.until
FROM unnest(%(devices)s::integer[], %(kinds)s::text[], %(channels)s::smallint[], %(since)s::timestamptz[],
            %(details)s::text[], %(behind)s::integer[], %(until)s::timestamptz[], %(heard)s::timestamptz[])
    AS f (device_id, kind, channel, since, detail, behind, until, heard)
WHERE NOT (f.kind = ANY(%(silences)s) AND EXISTS (
    SELECT FROM v_device_sign s
    WHERE s.device_id = f.device_id AND s.received_at > coalesce(f.heard, '-infinity')
))
ON CONFLICT (device_id, kind, channel) DO UPDATE
SET since = least(c.since, excluded.since), seen_at = excluded.seen_at, detail = excluded.detail,
    behind = excluded.behind, until = excluded.until
