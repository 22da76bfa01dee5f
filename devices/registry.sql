-- lock_shared --
SELECT pg_advisory_xact_lock_shared(%(lock)s)

-- lock_exclusive --
SELECT pg_advisory_xact_lock(%(lock)s)

-- version --
SELECT version FROM registry_version

-- count_up --
UPDATE registry_version SET version = version + 1

-- devices --
SELECT d.id, d.code, d.profile, d.status = 'active', e.time_zone, d.gateway_id, d.address,
       (SELECT (extract(epoch FROM max(c.at)) * 1000000)::bigint
        FROM device_retirement r JOIN installation_change c ON c.id = r.change_id
        WHERE d.status = 'retired' AND r.device_id = d.id AND r.retired)
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
    SELECT * FROM unnest(%(codes)s::text[], %(profiles)s::text[], %(serials)s::text[], %(estates)s::integer[])
        AS w (code, profile, serial, estate_id)
), before AS (
    SELECT id, profile FROM device WHERE code = ANY(%(codes)s)
), changed AS (
    INSERT INTO device AS d (code, profile, serial, estate_id)
    SELECT code, profile, serial, estate_id FROM wanted ORDER BY code
    ON CONFLICT (code) DO UPDATE
        SET profile = excluded.profile, serial = excluded.serial, estate_id = excluded.estate_id
        WHERE (d.profile, d.serial, d.estate_id)
            IS DISTINCT FROM (excluded.profile, excluded.serial, excluded.estate_id)
    RETURNING id, profile
)
SELECT c.id, b.profile IS NOT NULL AND b.profile <> c.profile
FROM changed c LEFT JOIN before b ON b.id = c.id

-- unknown_gateway --
-- The first device that names a gateway which is not registered.
SELECT w.code, w.gateway
FROM unnest(%(codes)s::text[], %(gateways)s::text[], %(addresses)s::text[]) AS w (code, gateway, address)
WHERE w.gateway <> '' AND NOT EXISTS (SELECT FROM device g WHERE g.code = w.gateway AND g.code <> w.code)
LIMIT 1

-- address --
-- NULL: as it is; empty: none. A child without an address is called by its code.
UPDATE device d
SET gateway_id = n.gateway_id, address = n.address
FROM (
    SELECT x.id, x.gateway_id, CASE WHEN x.gateway_id IS NULL THEN x.address
                                    ELSE coalesce(x.address, x.code) END AS address
    FROM (
        SELECT o.id, o.code, CASE WHEN w.gateway IS NULL THEN o.gateway_id ELSE g.id END AS gateway_id,
               CASE WHEN w.address IS NULL THEN o.address ELSE nullif(w.address, '') END AS address
        FROM unnest(%(codes)s::text[], %(gateways)s::text[], %(addresses)s::text[])
            AS w (code, gateway, address)
        JOIN device o ON o.code = w.code
        LEFT JOIN device g ON g.code = w.gateway
    ) x
) n
WHERE d.id = n.id AND (d.gateway_id, d.address) IS DISTINCT FROM (n.gateway_id, n.address)

-- address_twice --
-- The first address behind a gateway that two devices would have: gateway, both, address.
WITH wanted AS (
    SELECT o.id, o.code, CASE WHEN w.gateway IS NULL THEN o.gateway_id ELSE g.id END AS gateway_id,
           coalesce(CASE WHEN w.address IS NULL THEN o.address ELSE nullif(w.address, '') END, o.code) AS address
    FROM unnest(%(codes)s::text[], %(gateways)s::text[], %(addresses)s::text[]) AS w (code, gateway, address)
    JOIN device o ON o.code = w.code
    LEFT JOIN device g ON g.code = w.gateway
), standing AS (
    SELECT id, code, gateway_id, address FROM wanted
    UNION ALL
    SELECT d.id, d.code, d.gateway_id, d.address FROM device d WHERE d.id NOT IN (SELECT id FROM wanted)
)
SELECT g.code, w.code, o.code, w.address
FROM wanted w
JOIN standing o ON o.gateway_id = w.gateway_id AND o.address = w.address AND o.id <> w.id
JOIN device g ON g.id = w.gateway_id
ORDER BY w.code
LIMIT 1

-- set_status --
UPDATE device SET status = %(status)s WHERE code = %(code)s AND status <> %(status)s RETURNING id

-- notify_registry --
NOTIFY registry
