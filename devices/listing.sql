-- list --
SELECT d.id, d.code, d.profile, d.serial, d.estate_id, e.code AS estate, e.time_zone,
       d.status = 'active' AS active, g.code AS gateway, d.gateway_id, d.address
FROM device d
JOIN estate e ON e.id = d.estate_id
LEFT JOIN device g ON g.id = d.gateway_id
WHERE (%(everything)s OR d.estate_id = ANY(%(estate_ids)s))
  AND (%(code)s::text IS NULL OR d.code = %(code)s)
  AND (%(estate)s::text IS NULL OR e.code = %(estate)s)
  AND (%(words)s::text IS NULL OR d.code ILIKE '%%' || %(words)s || '%%'
       OR d.serial ILIKE '%%' || %(words)s || '%%' OR d.address ILIKE '%%' || %(words)s || '%%')
  AND (%(installed)s::boolean IS NULL
       OR %(installed)s = EXISTS (SELECT FROM installation i
                                  WHERE i.device_id = d.id AND i.valid_to IS NULL))
  AND (%(after)s::text IS NULL OR d.code > %(after)s)
ORDER BY d.code
LIMIT %(limit)s

-- scanned --
SELECT d.id, d.code, d.profile, d.serial, d.estate_id, e.code AS estate, e.time_zone,
       d.status = 'active' AS active, g.code AS gateway, d.gateway_id, d.address
FROM device d
JOIN estate e ON e.id = d.estate_id
LEFT JOIN device g ON g.id = d.gateway_id
WHERE (%(everything)s OR d.estate_id = ANY(%(estate_ids)s))
  AND (d.code = ANY(%(texts)s) OR (d.serial <> '' AND d.serial = ANY(%(texts)s))
       OR d.address = ANY(%(texts)s))
ORDER BY d.code
LIMIT 20

-- installations_of --
SELECT i.device_id, d.code AS device, d.serial, d.profile, i.channel, i.unit_id, u.code AS unit, i.entrance,
       i.valid_from, i.valid_to, i.multiplier
FROM installation i
JOIN device d ON d.id = i.device_id
LEFT JOIN unit u ON u.id = i.unit_id
WHERE i.device_id = %(device_id)s
ORDER BY i.valid_from DESC, i.channel

-- at_unit --
SELECT i.device_id, d.code AS device, d.serial, d.profile, i.channel, i.unit_id, u.code AS unit, i.entrance,
       i.valid_from, i.valid_to, i.multiplier
FROM installation i
JOIN device d ON d.id = i.device_id
JOIN unit u ON u.id = i.unit_id
WHERE i.unit_id = %(unit_id)s AND i.valid_from <= %(at)s AND (i.valid_to IS NULL OR i.valid_to > %(at)s)
ORDER BY i.channel, d.code

-- home --
SELECT unit_id, unit, estate_id
FROM v_home
WHERE unit_id = %(unit_id)s AND (%(everything)s OR estate_id = ANY(%(estate_ids)s))

-- codes --
SELECT id, code FROM device
WHERE id = ANY(%(devices)s) AND (%(everything)s OR estate_id = ANY(%(estate_ids)s))

-- unit_codes --
SELECT unit_id, unit FROM v_home WHERE unit_id = ANY(%(units)s)
