-- of_devices --
SELECT id AS device_id, profile, gateway_id, address FROM device WHERE id = ANY(%(devices)s) ORDER BY id

-- children --
SELECT id AS device_id, profile, gateway_id, address FROM device WHERE gateway_id = %(gateway)s ORDER BY id

-- taken --
-- Addresses that a gateway has already, of devices that are not among these.
SELECT g.code, d.code, d.address
FROM unnest(%(gateways)s::integer[], %(addresses)s::text[]) AS w (gateway_id, address)
JOIN device d ON d.gateway_id = w.gateway_id AND d.address = w.address AND d.id <> ALL(%(devices)s)
JOIN device g ON g.id = d.gateway_id
ORDER BY d.code

-- write --
UPDATE device d
SET profile = w.profile, gateway_id = w.gateway_id, address = w.address
FROM unnest(%(devices)s::integer[], %(profiles)s::text[], %(gateways)s::integer[], %(addresses)s::text[])
    AS w (device_id, profile, gateway_id, address)
WHERE d.id = w.device_id

-- insert_versions --
INSERT INTO connection_version (change_id, is_after, device_id, profile, gateway_id, address)
SELECT %(change_id)s, %(is_after)s, device_id, profile, gateway_id, address
FROM unnest(%(devices)s::integer[], %(profiles)s::text[], %(gateways)s::integer[], %(addresses)s::text[])
    AS w (device_id, profile, gateway_id, address)

-- versions --
SELECT device_id, profile, gateway_id, address
FROM connection_version
WHERE change_id = %(change_id)s AND is_after = %(is_after)s
ORDER BY device_id
