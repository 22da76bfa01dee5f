-- mark_readings --
-- Days of sound readings that the given stretches of a device's channel put on a unit.
INSERT INTO usage_dirty (unit_id, channel, day)
SELECT DISTINCT s.unit_id, s.channel, (r.time AT TIME ZONE 'UTC')::date
FROM unnest(%(units)s::integer[], %(devices)s::integer[], %(channels)s::smallint[],
            %(froms)s::timestamptz[], %(tos)s::timestamptz[])
    AS s (unit_id, device_id, channel, valid_from, valid_to)
JOIN v_reading r ON r.device_id = s.device_id AND r.channel = s.channel
    AND r.time >= s.valid_from AND r.time < coalesce(s.valid_to, 'infinity')
WHERE r.quality & %(not_evidence)s = 0

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
