-- estates --
SELECT code, time_zone FROM estate

-- buildings --
SELECT e.code, b.code FROM building b JOIN estate e ON e.id = b.estate_id

-- units --
SELECT e.code, u.code, u.id FROM unit u JOIN estate e ON e.id = u.estate_id

-- households --
SELECT code, size, elder_alone FROM household

-- residents --
SELECT code FROM resident

-- leases --
SELECT l.code, e.code, u.code, l.starts_on, l.ends_on
FROM lease l JOIN unit u ON u.id = l.unit_id JOIN estate e ON e.id = u.estate_id

-- devices --
SELECT d.code, d.id, d.profile, d.serial, e.code, g.code, d.address
FROM device d
JOIN estate e ON e.id = d.estate_id
LEFT JOIN device g ON g.id = d.gateway_id

-- installations --
SELECT d.code, i.channel, e.code, u.code, i.valid_from, i.valid_to
FROM installation i
JOIN device d ON d.id = i.device_id
LEFT JOIN unit u ON u.id = i.unit_id
LEFT JOIN estate e ON e.id = u.estate_id
