-- upsert_estates --
INSERT INTO estate (code, name, name_en, city, time_zone)
SELECT * FROM unnest(%(code)s::text[], %(name)s::text[], %(name_en)s::text[], %(city)s::text[],
                     %(time_zone)s::text[])
ON CONFLICT (code) DO UPDATE
SET name = excluded.name, name_en = excluded.name_en, city = excluded.city, time_zone = excluded.time_zone
WHERE (estate.name, estate.name_en, estate.city, estate.time_zone)
      IS DISTINCT FROM (excluded.name, excluded.name_en, excluded.city, excluded.time_zone)
RETURNING xmax = 0

-- unknown_estates --
SELECT r.n::integer - 1, r.estate
FROM unnest(%(estate)s::text[]) WITH ORDINALITY AS r (estate, n)
WHERE NOT EXISTS (SELECT FROM estate e WHERE e.code = r.estate)
ORDER BY r.n

-- upsert_buildings --
INSERT INTO building (estate_id, code, name)
SELECT e.id, r.code, r.name
FROM unnest(%(estate)s::text[], %(code)s::text[], %(name)s::text[]) AS r (estate, code, name)
JOIN estate e ON e.code = r.estate
ON CONFLICT (estate_id, code) DO UPDATE SET name = excluded.name
WHERE building.name IS DISTINCT FROM excluded.name
RETURNING xmax = 0

-- unknown_buildings --
SELECT r.n::integer - 1, r.estate || ' ' || r.building
FROM unnest(%(estate)s::text[], %(building)s::text[]) WITH ORDINALITY AS r (estate, building, n)
WHERE NOT EXISTS (
    SELECT FROM building b JOIN estate e ON e.id = b.estate_id
    WHERE e.code = r.estate AND b.code = r.building)
ORDER BY r.n

-- upsert_units --
INSERT INTO unit (estate_id, building_id, code, stair, floor, door, area_m2, rooms, contract_kw)
SELECT e.id, b.id, r.code, r.stair, r.floor, r.door, r.area_m2, r.rooms, r.contract_kw
FROM unnest(%(estate)s::text[], %(building)s::text[], %(code)s::text[], %(stair)s::text[],
            %(floor)s::smallint[], %(door)s::text[], %(area_m2)s::real[], %(rooms)s::smallint[],
            %(contract_kw)s::real[])
     AS r (estate, building, code, stair, floor, door, area_m2, rooms, contract_kw)
JOIN estate e ON e.code = r.estate
JOIN building b ON b.estate_id = e.id AND b.code = r.building
ON CONFLICT (estate_id, code) DO UPDATE
SET building_id = excluded.building_id, stair = excluded.stair, floor = excluded.floor,
    door = excluded.door, area_m2 = excluded.area_m2, rooms = excluded.rooms,
    contract_kw = excluded.contract_kw
WHERE (unit.building_id, unit.stair, unit.floor, unit.door, unit.area_m2, unit.rooms, unit.contract_kw)
      IS DISTINCT FROM (excluded.building_id, excluded.stair, excluded.floor, excluded.door,
                        excluded.area_m2, excluded.rooms, excluded.contract_kw)
RETURNING xmax = 0

-- unknown_units --
SELECT r.n::integer - 1, r.estate || ' ' || r.unit
FROM unnest(%(estate)s::text[], %(unit)s::text[]) WITH ORDINALITY AS r (estate, unit, n)
WHERE NOT EXISTS (
    SELECT FROM unit u JOIN estate e ON e.id = u.estate_id WHERE e.code = r.estate AND u.code = r.unit)
ORDER BY r.n

-- list_estates --
SELECT e.id, e.code, e.name, e.name_en, e.city, e.time_zone,
       (SELECT count(*) FROM building b WHERE b.estate_id = e.id),
       (SELECT count(*) FROM unit u WHERE u.estate_id = e.id)
FROM estate e
WHERE (%(everything)s OR e.id = ANY(%(estate_ids)s))
  AND (%(estate_id)s::integer IS NULL OR e.id = %(estate_id)s)
ORDER BY e.code

-- list_units --
-- Keyset on (estate code, unit code), which is how people look for a home.
SELECT u.id, e.id, e.code, b.code, u.code, u.stair, u.floor, u.door, u.area_m2, u.rooms, u.contract_kw,
       e.time_zone
FROM unit u
JOIN estate e ON e.id = u.estate_id
JOIN building b ON b.id = u.building_id
WHERE (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))
  AND (%(estate)s::text IS NULL OR e.code = %(estate)s)
  AND (%(building)s::text IS NULL OR b.code = %(building)s)
  AND (%(code)s::text IS NULL OR u.code = %(code)s)
  AND (%(after_estate)s::text IS NULL
       OR (e.code, u.code) > (%(after_estate)s::text, %(after_unit)s::text))
ORDER BY e.code, u.code
LIMIT %(limit)s

-- unit_header --
SELECT u.id, e.id, e.code, b.code, u.code, u.stair, u.floor, u.door, u.area_m2, u.rooms, u.contract_kw,
       e.time_zone, e.name, e.name_en, e.city, b.name, h.size, h.elder_alone, l.code, l.starts_on, l.ends_on
FROM unit u
JOIN estate e ON e.id = u.estate_id
JOIN building b ON b.id = u.building_id
LEFT JOIN lease l ON l.unit_id = u.id
    AND (%(now)s::timestamptz AT TIME ZONE e.time_zone)::date BETWEEN l.starts_on AND l.ends_on
LEFT JOIN household h ON h.id = l.household_id
WHERE u.id = %(unit_id)s
  AND (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))

-- find_units --
-- Homes as people say them: `said` are the parts of what was said, without leading zeros. One part is a door,
-- two are building and door, three building, stair and door; or the words stand in the code.
SELECT u.id, u.code, b.code AS building, b.name AS building_name, u.stair, u.floor, u.door
FROM unit u
JOIN building b ON b.id = u.building_id
WHERE u.estate_id = %(estate_id)s
  AND (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))
  AND (u.code ILIKE '%%' || %(words)s || '%%'
       OR (ltrim(u.door, '0') = (%(said)s::text[])[cardinality(%(said)s::text[])]
           AND (cardinality(%(said)s::text[]) < 2
                OR (cardinality(%(said)s::text[]) <= 3 AND ltrim(b.code, '0') = (%(said)s::text[])[1]))
           AND (cardinality(%(said)s::text[]) < 3 OR ltrim(u.stair, '0') = (%(said)s::text[])[2])))
ORDER BY b.code, u.stair, u.floor, u.door
LIMIT %(limit)s
