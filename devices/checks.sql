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
-- How far each channel of the device and of its neighbours (same building, or same gateway) moved since. Power
-- and flow: above the last value before, or above the lowest one since where there is none. Registers: the
-- steps from the last value before on, without those that are impossible: a reset or a wrong value is no use.
WITH near AS (
    SELECT i.device_id, i.channel, i.multiplier, v.code AS unit, c.metered, p.per_hour
    FROM installation i
    JOIN device d ON d.id = i.device_id AND d.status = 'active'
    JOIN unit v ON v.id = i.unit_id
    JOIN channel c ON c.code = i.channel
    JOIN unnest(%(channels)s::smallint[], %(per_hour)s::float8[]) AS p (channel, per_hour) ON p.channel = i.channel
    WHERE i.valid_from <= %(until)s
      AND (i.valid_to IS NULL OR i.valid_to > %(until)s)
      AND (i.device_id = %(device_id)s
           OR v.building_id = (SELECT building_id FROM unit WHERE id = %(unit_id)s)
           OR d.gateway_id = (SELECT gateway_id FROM device WHERE id = %(device_id)s))
)
SELECT n.device_id, d.code, n.unit, n.channel,
       coalesce(greatest(CASE WHEN n.metered THEN s.steps ELSE (s.most - coalesce(b.value, s.least)) * n.multiplier END,
                         0), 0),
       s.heard_at
FROM near n
JOIN device d ON d.id = n.device_id
LEFT JOIN LATERAL (
    SELECT r.time, r.value FROM v_reading r
    WHERE r.device_id = n.device_id AND r.channel = n.channel AND r.time <= %(since)s
      AND r.quality & %(not_evidence)s = 0
    ORDER BY r.time DESC LIMIT 1
) b ON true
LEFT JOIN LATERAL (
    SELECT max(t.value) AS most, max(t.time) AS heard_at, min(t.value) AS least,
           sum(t.step) FILTER (WHERE abs(t.step) <= n.per_hour * t.hours) AS steps
    FROM (
        SELECT r.time, r.value,
               (r.value - lag(r.value, 1, b.value) OVER w) * n.multiplier AS step,
               -- at least one, because registers show whole steps
               greatest(extract(epoch FROM r.time - lag(r.time, 1, b.time) OVER w) / 3600, 1) AS hours
        FROM v_reading r
        WHERE r.device_id = n.device_id AND r.channel = n.channel AND r.time > %(since)s AND r.time <= %(until)s
          AND r.quality & %(not_evidence)s = 0
        WINDOW w AS (ORDER BY r.time)
    ) t
) s ON true
ORDER BY n.device_id, n.channel
