-- unknown_leases --
SELECT r.n::integer - 1, r.lease
FROM unnest(%(lease)s::text[]) WITH ORDINALITY AS r (lease, n)
WHERE r.lease IS NOT NULL AND NOT EXISTS (SELECT FROM lease l WHERE l.code = r.lease)
ORDER BY r.n

-- unknown_residents --
SELECT r.n::integer - 1, r.resident
FROM unnest(%(resident)s::text[]) WITH ORDINALITY AS r (resident, n)
WHERE NOT EXISTS (SELECT FROM resident x WHERE x.code = r.resident)
ORDER BY r.n

-- overlapping_leases --
-- A row that meets another row of the call, or a stored lease that the call does not replace.
WITH given AS (
    SELECT r.n::integer - 1 AS n, r.code, u.id AS unit_id, daterange(r.starts_on, r.ends_on, '[]') AS days
    FROM unnest(%(code)s::text[], %(estate)s::text[], %(unit)s::text[], %(starts_on)s::date[],
                %(ends_on)s::date[]) WITH ORDINALITY AS r (code, estate, unit, starts_on, ends_on, n)
    JOIN estate e ON e.code = r.estate
    JOIN unit u ON u.estate_id = e.id AND u.code = r.unit
)
SELECT g.n, g.code
FROM given g
WHERE EXISTS (SELECT FROM given o WHERE o.unit_id = g.unit_id AND o.n < g.n AND o.days && g.days)
   OR EXISTS (
        SELECT FROM lease l
        WHERE l.unit_id = g.unit_id AND daterange(l.starts_on, l.ends_on, '[]') && g.days
          AND l.code <> ALL(%(code)s::text[]))
ORDER BY g.n

-- upsert_leases --
WITH stored AS (
    SELECT l.code, l.unit_id FROM lease l WHERE l.code = ANY(%(code)s::text[])
), written AS (
    INSERT INTO lease (code, unit_id, household_id, starts_on, ends_on)
    SELECT r.code, u.id, h.id, r.starts_on, r.ends_on
    FROM unnest(%(code)s::text[], %(estate)s::text[], %(unit)s::text[], %(household)s::text[],
                %(starts_on)s::date[], %(ends_on)s::date[])
         AS r (code, estate, unit, household, starts_on, ends_on)
    JOIN estate e ON e.code = r.estate
    JOIN unit u ON u.estate_id = e.id AND u.code = r.unit
    JOIN household h ON h.code = r.household
    ON CONFLICT (code) DO UPDATE
    SET unit_id = excluded.unit_id, household_id = excluded.household_id, starts_on = excluded.starts_on,
        ends_on = excluded.ends_on
    WHERE (lease.unit_id, lease.household_id, lease.starts_on, lease.ends_on)
          IS DISTINCT FROM (excluded.unit_id, excluded.household_id, excluded.starts_on, excluded.ends_on)
    RETURNING code, unit_id, xmax = 0 AS inserted
), marked AS (
    -- The idle clock starts anew with a lease: no day shows it, but the home has to be swept again, the one
    -- that the lease leaves included.
    INSERT INTO usage_dirty (unit_id, channel, day)
    SELECT d.unit_id, 0, max(d.day)
    FROM v_unit_day d
    WHERE d.unit_id IN (SELECT w.unit_id FROM written w
                        UNION SELECT s.unit_id FROM stored s JOIN written w ON w.code = s.code)
    GROUP BY d.unit_id
)
SELECT inserted FROM written

-- upsert_occupants --
WITH written AS (
    INSERT INTO occupant (unit_id, resident_id, lease_id, relation, starts_at, ends_at)
    SELECT u.id, x.id, l.id, r.relation, r.starts_at, r.ends_at
    FROM unnest(%(estate)s::text[], %(unit)s::text[], %(resident)s::text[], %(lease)s::text[],
                %(relation)s::text[], %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[])
         AS r (estate, unit, resident, lease, relation, starts_at, ends_at)
    JOIN estate e ON e.code = r.estate
    JOIN unit u ON u.estate_id = e.id AND u.code = r.unit
    JOIN resident x ON x.code = r.resident
    LEFT JOIN lease l ON l.code = r.lease
    ON CONFLICT (unit_id, resident_id, starts_at) DO UPDATE
    SET lease_id = excluded.lease_id, relation = excluded.relation, ends_at = excluded.ends_at
    WHERE (occupant.lease_id, occupant.relation, occupant.ends_at)
          IS DISTINCT FROM (excluded.lease_id, excluded.relation, excluded.ends_at)
    RETURNING unit_id, starts_at, xmax = 0 AS inserted
), marked AS (
    -- Who is a stranger at the door changes on every day since: those days are computed again.
    INSERT INTO usage_dirty (unit_id, channel, day)
    SELECT DISTINCT d.unit_id, 0, d.day
    FROM written w
    JOIN v_unit_day d ON d.unit_id = w.unit_id AND d.day >= (w.starts_at AT TIME ZONE 'UTC')::date
)
SELECT inserted FROM written

-- occupants_of_unit --
SELECT r.code, r.subject, o.relation, o.starts_at, o.ends_at, l.code
FROM occupant o
JOIN resident r ON r.id = o.resident_id
JOIN unit u ON u.id = o.unit_id
LEFT JOIN lease l ON l.id = o.lease_id
WHERE o.unit_id = %(unit_id)s AND (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))
ORDER BY o.starts_at, r.code
