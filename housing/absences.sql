-- upsert_absences --
WITH given AS (
    SELECT u.id AS unit_id, r.registered_at, r.starts_at, r.ends_at, r.reason, r.approved_by
    FROM unnest(%(estate)s::text[], %(unit)s::text[], %(registered_at)s::timestamptz[],
                %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[], %(reason)s::text[],
                %(approved_by)s::text[])
         AS r (estate, unit, registered_at, starts_at, ends_at, reason, approved_by)
    JOIN estate e ON e.code = r.estate
    JOIN unit u ON u.estate_id = e.id AND u.code = r.unit
), stored AS (
    SELECT a.unit_id, a.starts_at, a.ends_at
    FROM absence a
    JOIN given g ON g.unit_id = a.unit_id AND g.starts_at = a.starts_at
), written AS (
    INSERT INTO absence (unit_id, registered_at, starts_at, ends_at, reason, approved_by)
    SELECT unit_id, registered_at, starts_at, ends_at, reason, approved_by FROM given
    ON CONFLICT (unit_id, starts_at) DO UPDATE
    SET registered_at = excluded.registered_at, ends_at = excluded.ends_at, reason = excluded.reason,
        approved_by = excluded.approved_by
    WHERE (absence.registered_at, absence.ends_at, absence.reason, absence.approved_by)
          IS DISTINCT FROM (excluded.registered_at, excluded.ends_at, excluded.reason, excluded.approved_by)
    RETURNING unit_id, starts_at, ends_at, xmax = 0 AS inserted
), marked AS (
    -- Days already computed learn that somebody was away with notice, or after all was not.
    INSERT INTO usage_dirty (unit_id, channel, day)
    SELECT DISTINCT d.unit_id, 0, d.day
    FROM written w
    LEFT JOIN stored s ON s.unit_id = w.unit_id AND s.starts_at = w.starts_at
    JOIN v_unit_day d ON d.unit_id = w.unit_id
        AND d.day BETWEEN (w.starts_at AT TIME ZONE 'UTC')::date
                      AND (greatest(w.ends_at, s.ends_at) AT TIME ZONE 'UTC')::date + 1
)
SELECT inserted FROM written

-- list_absences --
SELECT a.id, a.unit_id, u.code, u.estate_id, a.registered_at, a.starts_at, a.ends_at, a.reason, a.approved_by
FROM absence a
JOIN unit u ON u.id = a.unit_id
WHERE (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))
  AND (%(estate_id)s::integer IS NULL OR u.estate_id = %(estate_id)s)
  AND (%(unit_id)s::integer IS NULL OR a.unit_id = %(unit_id)s)
  AND (%(from)s::timestamptz IS NULL OR a.ends_at > %(from)s)
  AND (%(to)s::timestamptz IS NULL OR a.starts_at < %(to)s)
ORDER BY a.starts_at, a.id
