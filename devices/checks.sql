-- give_up --
UPDATE installation_check SET ended_at = %(now)s, ended_by = %(by)s, outcome = 'given_up'
WHERE device_id = %(device_id)s AND ended_at IS NULL

-- begin --
INSERT INTO installation_check (device_id, unit_id, channel, begun_at, begun_by)
VALUES (%(device_id)s, %(unit_id)s, %(channel)s, %(now)s, %(by)s)
RETURNING id

-- end --
UPDATE installation_check
SET ended_at = %(now)s, ended_by = %(by)s, outcome = %(outcome)s, moved_id = %(moved_id)s
WHERE id = %(check_id)s AND ended_at IS NULL

-- checks --
SELECT c.id, c.device_id, d.code AS device, d.estate_id, c.unit_id, u.code AS unit, c.channel, c.begun_at,
       c.begun_by, c.ended_at, c.ended_by, c.outcome, m.code AS moved
FROM installation_check c
JOIN device d ON d.id = c.device_id
JOIN unit u ON u.id = c.unit_id
LEFT JOIN device m ON m.id = c.moved_id
WHERE (%(check_id)s::integer IS NULL OR c.id = %(check_id)s)
  AND (%(device_id)s::integer IS NULL OR c.device_id = %(device_id)s)
  AND (%(everything)s OR d.estate_id = ANY(%(estate_ids)s))
ORDER BY c.id DESC

-- moved --
-- How far each channel of the device and of its neighbours (same building, or same gateway) moved since:
-- above the last value before, or above the lowest one since where there is none.
WITH near AS (
    SELECT i.device_id, i.channel, i.multiplier, v.code AS unit, c.metered
    FROM installation i
    JOIN device d ON d.id = i.device_id AND d.status = 'active'
    JOIN unit v ON v.id = i.unit_id
    JOIN channel c ON c.code = i.channel
    WHERE i.channel = ANY(%(channels)s) AND i.valid_from <= %(until)s
      AND (i.valid_to IS NULL OR i.valid_to > %(until)s)
      AND (i.device_id = %(device_id)s
           OR v.building_id = (SELECT building_id FROM unit WHERE id = %(unit_id)s)
           OR d.gateway_id = (SELECT gateway_id FROM device WHERE id = %(device_id)s))
)
SELECT n.device_id, d.code, n.unit, n.channel,
       coalesce(greatest(CASE WHEN n.metered THEN s.last ELSE s.most END - coalesce(b.value, s.least), 0), 0)
           * n.multiplier,
       s.heard_at
FROM near n
JOIN device d ON d.id = n.device_id
LEFT JOIN LATERAL (
    SELECT r.value FROM v_reading r
    WHERE r.device_id = n.device_id AND r.channel = n.channel AND r.time <= %(since)s
      AND r.quality & %(not_evidence)s = 0
    ORDER BY r.time DESC LIMIT 1
) b ON true
LEFT JOIN LATERAL (
    SELECT max(r.value) AS most, max(r.time) AS heard_at,
           min(r.value) AS least,
           (array_agg(r.value ORDER BY r.time DESC))[1] AS last
    FROM v_reading r
    WHERE r.device_id = n.device_id AND r.channel = n.channel AND r.time > %(since)s AND r.time <= %(until)s
      AND r.quality & %(not_evidence)s = 0
) s ON true
ORDER BY n.device_id, n.channel
