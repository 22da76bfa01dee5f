-- uncovered --
SELECT h.unit_id, h.unit, h.estate, h.time_zone, heard.devices, heard.since
FROM v_home h
CROSS JOIN LATERAL (
    SELECT count(DISTINCT s.device_id) FILTER (
               WHERE s.status = 'active' AND s.valid_from <= %(now)s
                 AND (s.valid_to IS NULL OR s.valid_to > %(now)s)
           )::int AS devices,
           max(least(g.received_at, s.valid_to)) FILTER (WHERE g.received_at >= s.valid_from) AS since
    FROM v_source s
    LEFT JOIN channel c ON c.code = s.channel
    LEFT JOIN v_device_sign g ON g.device_id = s.device_id
    WHERE s.unit_id = h.unit_id AND (s.channel = 0 OR c.metered)
) heard
WHERE (%(everything)s OR h.estate_id = ANY(%(estate_ids)s))
  AND (%(estate)s::text IS NULL OR h.estate = %(estate)s)
  AND (%(last_estate)s::text IS NULL OR (h.estate, h.unit) > (%(last_estate)s, %(last_unit)s))
  AND NOT EXISTS (
    -- A channel shows life when it is metered, or the events of a door or detector; its device was heard, and
    -- the newest pass finds neither the device nor the channel silent.
    SELECT FROM v_source s
    LEFT JOIN channel c ON c.code = s.channel
    JOIN v_device_sign g ON g.device_id = s.device_id
    WHERE s.unit_id = h.unit_id AND s.status = 'active' AND (s.channel = 0 OR c.metered)
      AND s.valid_from <= %(now)s AND (s.valid_to IS NULL OR s.valid_to > %(now)s)
      AND g.received_at >= s.valid_from
      AND NOT EXISTS (
          SELECT FROM device_condition d
          WHERE d.device_id = s.device_id
            AND (d.kind IN ('offline', 'never_heard')
                 OR (d.kind = 'channel_silent' AND d.channel = s.channel AND s.channel <> 0))
      )
  )
ORDER BY h.estate, h.unit
LIMIT %(limit)s

-- count --
SELECT count(*)
FROM v_home h
WHERE (%(everything)s OR h.estate_id = ANY(%(estate_ids)s))
  AND NOT EXISTS (
    -- A channel shows life when it is metered, or the events of a door or detector; its device was heard, and
    -- the newest pass finds neither the device nor the channel silent.
    SELECT FROM v_source s
    LEFT JOIN channel c ON c.code = s.channel
    JOIN v_device_sign g ON g.device_id = s.device_id
    WHERE s.unit_id = h.unit_id AND s.status = 'active' AND (s.channel = 0 OR c.metered)
      AND s.valid_from <= %(now)s AND (s.valid_to IS NULL OR s.valid_to > %(now)s)
      AND g.received_at >= s.valid_from
      AND NOT EXISTS (
          SELECT FROM device_condition d
          WHERE d.device_id = s.device_id
            AND (d.kind IN ('offline', 'never_heard')
                 OR (d.kind = 'channel_silent' AND d.channel = s.channel AND s.channel <> 0))
      )
  )
