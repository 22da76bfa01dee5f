-- clear --
-- What the use of these homes no longer says of the devices that serve them.
DELETE FROM device_condition c
USING installation i
WHERE i.device_id = c.device_id AND i.unit_id = ANY(%(homes)s)
  AND i.valid_from <= %(now)s AND (i.valid_to IS NULL OR i.valid_to > %(now)s)
  AND c.kind = ANY(%(doubts)s)
  AND NOT EXISTS (
      SELECT
      FROM unnest(%(units)s::integer[], %(channels)s::smallint[], %(kinds)s::text[]) AS f (unit_id, channel, kind)
      JOIN v_source s ON s.unit_id = f.unit_id AND s.channel = f.channel
      WHERE s.device_id = c.device_id AND (f.kind, f.channel) = (c.kind, c.channel) AND s.status = 'active'
        AND s.valid_from <= %(now)s AND (s.valid_to IS NULL OR s.valid_to > %(now)s)
        AND (f.channel <> 0 OR s.profile = ANY(%(locks)s))
  )

-- put --
-- On the devices that serve the source now: of a meter its channel, of a door the events of a lock. What was there
-- before a device came is not its fault.
INSERT INTO device_condition AS c (device_id, kind, channel, since, seen_at, detail)
SELECT DISTINCT ON (s.device_id, f.kind, f.channel) s.device_id, f.kind, f.channel,
       greatest(f.since, s.valid_from), %(now)s,
       f.detail::jsonb || CASE WHEN o.code IS NULL THEN '{}' ELSE jsonb_build_object('other_unit', o.code) END
FROM unnest(%(units)s::integer[], %(channels)s::smallint[], %(kinds)s::text[], %(since)s::timestamptz[],
            %(details)s::text[], %(others)s::integer[]) AS f (unit_id, channel, kind, since, detail, other)
JOIN v_source s ON s.unit_id = f.unit_id AND s.channel = f.channel AND s.status = 'active'
LEFT JOIN unit o ON o.id = f.other
WHERE s.valid_from <= %(now)s AND (s.valid_to IS NULL OR s.valid_to > %(now)s)
  AND (f.channel <> 0 OR s.profile = ANY(%(locks)s))
ORDER BY s.device_id, f.kind, f.channel, f.since
ON CONFLICT (device_id, kind, channel) DO UPDATE
SET since = excluded.since, seen_at = excluded.seen_at, detail = excluded.detail
