-- mark_readings --
-- The days from the first to the last sound reading that the given stretches of a device's channel put on
-- a unit: what was spread over a gap lies on days without any.
INSERT INTO usage_dirty (unit_id, channel, day)
SELECT DISTINCT s.unit_id, s.channel, r.first + n
FROM unnest(%(units)s::integer[], %(devices)s::integer[], %(channels)s::smallint[],
            %(froms)s::timestamptz[], %(tos)s::timestamptz[])
    AS s (unit_id, device_id, channel, valid_from, valid_to)
CROSS JOIN LATERAL (
    SELECT (min(r.time) AT TIME ZONE 'UTC')::date AS first, (max(r.time) AT TIME ZONE 'UTC')::date AS last
    FROM v_reading r
    WHERE r.device_id = s.device_id AND r.channel = s.channel
        AND r.time >= s.valid_from AND r.time < coalesce(s.valid_to, 'infinity')
        AND r.quality & %(not_evidence)s = 0
) r
CROSS JOIN LATERAL generate_series(0, r.last - r.first) AS n

-- mark_events --
INSERT INTO usage_dirty (unit_id, channel, day)
SELECT DISTINCT s.unit_id, s.channel, (e.time AT TIME ZONE 'UTC')::date
FROM unnest(%(units)s::integer[], %(devices)s::integer[], %(channels)s::smallint[],
            %(froms)s::timestamptz[], %(tos)s::timestamptz[])
    AS s (unit_id, device_id, channel, valid_from, valid_to)
JOIN v_event e ON e.device_id = s.device_id AND s.channel = %(events)s
    AND e.time >= s.valid_from AND e.time < coalesce(s.valid_to, 'infinity')
WHERE e.quality & %(not_evidence)s = 0

-- stretches_of --
SELECT unit_id, device_id, channel, valid_from, valid_to
FROM installation
WHERE unit_id IS NOT NULL AND device_id = ANY(%(devices)s)

-- notify_dirty --
NOTIFY usage_dirty
