-- lock_shared --
SELECT pg_advisory_xact_lock_shared(%(lock)s)

-- lock_exclusive --
SELECT pg_advisory_xact_lock(%(lock)s)

-- version --
SELECT version FROM registry_version

-- count_up --
UPDATE registry_version SET version = version + 1

-- devices --
SELECT d.id, d.code, d.profile, d.status = 'active', e.time_zone, d.gateway_id, d.address
FROM device d
JOIN estate e ON e.id = d.estate_id

-- installations --
-- Those of units; times in microseconds since 1970.
SELECT device_id, channel, unit_id,
       (extract(epoch FROM valid_from) * 1000000)::bigint,
       (extract(epoch FROM valid_to) * 1000000)::bigint
FROM installation
WHERE unit_id IS NOT NULL
ORDER BY valid_from

-- services --
-- Those of one device's channel.
SELECT unit_id, (extract(epoch FROM valid_from) * 1000000)::bigint,
       (extract(epoch FROM valid_to) * 1000000)::bigint
FROM installation
WHERE device_id = %(device_id)s AND channel = %(channel)s AND unit_id IS NOT NULL
ORDER BY valid_from

-- ids --
SELECT code, id FROM device WHERE code = ANY(%(codes)s)

-- register --
-- Returns what changed: id, and whether the meaning of its readings did.
WITH wanted AS (
    SELECT * FROM unnest(%(codes)s::text[], %(profiles)s::text[], %(serials)s::text[], %(estates)s::integer[],
                         %(gateways)s::text[], %(addresses)s::text[])
        AS w (code, profile, serial, estate_id, gateway, address)
), before AS (
    SELECT id, profile FROM device WHERE code = ANY(%(codes)s)
), changed AS (
    INSERT INTO device AS d (code, profile, serial, estate_id, gateway_id, address)
    SELECT w.code, w.profile, w.serial, w.estate_id, g.id, w.address
    FROM wanted w LEFT JOIN device g ON g.code = w.gateway
    ORDER BY w.code
    ON CONFLICT (code) DO UPDATE
        SET profile = excluded.profile, serial = excluded.serial, estate_id = excluded.estate_id,
            gateway_id = excluded.gateway_id, address = excluded.address
        WHERE (d.profile, d.serial, d.estate_id, d.gateway_id, d.address)
            IS DISTINCT FROM (excluded.profile, excluded.serial, excluded.estate_id, excluded.gateway_id,
                              excluded.address)
    RETURNING id, profile
)
SELECT c.id, b.profile IS NOT NULL AND b.profile <> c.profile
FROM changed c LEFT JOIN before b ON b.id = c.id

-- set_status --
UPDATE device SET status = %(status)s WHERE code = %(code)s AND status <> %(status)s RETURNING id

-- notify_registry --
NOTIFY registry
