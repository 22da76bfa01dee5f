-- devices --
-- Each device with where it hangs, when it was heard and what is wrong with it.
SELECT d.code, d.serial, d.profile, e.code AS estate, d.status = 'active' AS active,
       coalesce(place.units, '{}') AS units, coalesce(place.unit_ids, '{}') AS unit_ids,
       coalesce(place.entrances, '{}') AS entrances, s.received_at AS heard_at,
       ARRAY(SELECT DISTINCT c.kind FROM device_condition c WHERE c.device_id = d.id ORDER BY c.kind) AS faults
FROM device d
JOIN estate e ON e.id = d.estate_id
LEFT JOIN v_device_sign s ON s.device_id = d.id
CROSS JOIN LATERAL (
    SELECT array_agg(p.unit ORDER BY p.unit) FILTER (WHERE p.unit_id IS NOT NULL) AS units,
           array_agg(p.unit_id ORDER BY p.unit) FILTER (WHERE p.unit_id IS NOT NULL) AS unit_ids,
           array_agg(p.entrance ORDER BY p.entrance) FILTER (WHERE p.unit_id IS NULL) AS entrances
    FROM (
        SELECT DISTINCT i.unit_id, u.code AS unit, i.entrance
        FROM installation i
        LEFT JOIN unit u ON u.id = i.unit_id
        WHERE i.device_id = d.id AND i.valid_to IS NULL
    ) p
) place
WHERE (%(everything)s OR d.estate_id = ANY(%(estate_ids)s))
  AND (%(estate)s::text IS NULL OR e.code = %(estate)s)
  AND (%(profiles)s::text[] IS NULL OR d.profile = ANY(%(profiles)s))
  AND (%(words)s::text IS NULL OR d.code ILIKE '%%' || %(words)s || '%%'
       OR d.serial ILIKE '%%' || %(words)s || '%%' OR d.address ILIKE '%%' || %(words)s || '%%'
       OR d.profile ILIKE '%%' || %(words)s || '%%'
       OR EXISTS (SELECT FROM unnest(place.units) AS p (unit) WHERE p.unit ILIKE '%%' || %(words)s || '%%'))
  AND CASE %(state)s
          WHEN 'fault' THEN d.status = 'active'
               AND EXISTS (SELECT FROM device_condition c WHERE c.device_id = d.id)
          WHEN 'free' THEN d.status = 'active' AND place.units IS NULL AND place.entrances IS NULL
          WHEN 'retired' THEN d.status <> 'active'
          ELSE true
      END
  AND (%(after)s::text IS NULL OR d.code > %(after)s)
ORDER BY d.code
LIMIT %(limit)s
