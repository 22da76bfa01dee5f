-- homes --
-- By code, not by id: which homes are looked at together must not hang on the order in which they were written.
SELECT unit_id, city, time_zone
FROM v_home
WHERE %(everything)s OR unit_id = ANY(%(unit_ids)s)
ORDER BY city, time_zone, estate COLLATE "C", unit COLLATE "C"

-- told --
-- What devices of the homes told; `happened`: a state that is reported again, or that is over, is nothing that
-- anybody did; one that differs from the device's last of its kind is, however long ago that was.
WITH seen AS (
    SELECT s.unit_id, s.profile, s.valid_from, e.device_id, e.time, e.received_at, e.type, e.method, e.subject,
           e.result, e.quality & %(state)s <> 0 AS is_state, coalesce(e.value, 1) AS value,
           CASE e.type WHEN %(closed)s THEN %(opened)s ELSE e.type END AS kind
    FROM v_source s
    JOIN v_event e ON e.device_id = s.device_id
        AND e.time >= s.valid_from AND (s.valid_to IS NULL OR e.time < s.valid_to)
    WHERE s.unit_id = ANY(%(unit_ids)s) AND s.channel = %(events)s
      AND e.time >= %(start)s AND e.time < %(end)s
      AND e.quality & %(not_evidence)s = 0
), in_turn AS (
    SELECT seen.*, lag(type) OVER turn AS last_type, lag(value) OVER turn AS last_value
    FROM seen
    WINDOW turn AS (PARTITION BY unit_id, device_id, kind ORDER BY time, type)
), told AS (
    SELECT i.*, CASE
        WHEN NOT i.is_state THEN true
        WHEN i.value = 0 THEN false
        WHEN i.last_type IS NOT NULL THEN (i.last_type, i.last_value) <> (i.type, i.value)
        ELSE coalesce((
            SELECT (p.type, coalesce(p.value, 1)) <> (i.type, i.value)
            FROM v_event p
            WHERE p.device_id = i.device_id AND p.time >= i.valid_from AND p.time < i.time
              AND CASE p.type WHEN %(closed)s THEN %(opened)s ELSE p.type END = i.kind
              AND p.quality & %(not_evidence)s = 0
            ORDER BY p.time DESC LIMIT 1
        ), true)
    END AS happened
    FROM in_turn i
)

-- doors --
-- What happened at the doors by local day and by the local day on which it was known, counted from the
-- window's first. Only a device that watches a door (one of these profiles) is heard as one: from others
-- what they saw counts, and their silence says nothing.
SELECT unit_id,
       (time + make_interval(hours => %(offset_h)s))::date - %(first)s::date,
       (received_at + make_interval(hours => %(offset_h)s))::date - %(first)s::date,
       count(*) FILTER (WHERE type = %(entry)s AND result <> %(denied)s),
       count(*) FILTER (WHERE type = ANY(%(openings)s) AND happened),
       count(*) FILTER (WHERE type = ANY(%(stirs)s) AND happened),
       count(*) FILTER (WHERE profile = ANY(%(profiles)s))
FROM told
GROUP BY 1, 2, 3

-- happenings --
-- What happened, one by one, a column an array. Somebody is fresh who was not let in there in so many days
-- before; a subject is a number, the same throughout.
SELECT array_send(array_agg(h.unit_id)), array_send(array_agg(h.time)), array_send(array_agg(h.received_at)),
       array_send(array_agg(h.type)), array_send(array_agg(h.method)), array_send(array_agg(h.subject)),
       array_send(array_agg(h.registered)), array_send(array_agg(h.fresh)), array_send(array_agg(h.value))
FROM (
    SELECT t.unit_id, t.time, t.received_at, t.type, coalesce(t.method, 0::smallint) AS method,
           CASE WHEN t.subject IS NULL THEN -1
                ELSE (dense_rank() OVER (ORDER BY t.subject))::integer END AS subject,
           EXISTS (SELECT FROM v_registered r
                   WHERE r.unit_id = t.unit_id AND r.subject = t.subject
                     AND r.starts_at <= t.time AND (r.ends_at IS NULL OR t.time < r.ends_at)
                  )::integer::smallint AS registered,
           (t.subject IS NOT NULL AND NOT EXISTS (
               SELECT FROM v_event e
               WHERE e.device_id = t.device_id AND e.subject = t.subject AND e.type = t.type
                 AND e.result <> %(denied)s AND e.time < t.time AND e.time >= t.time - %(fresh)s
                 AND e.time >= t.valid_from AND e.quality & %(not_evidence)s = 0
           ))::integer::smallint AS fresh,
           t.value::real AS value
    FROM told t
    WHERE t.happened AND (t.type <> %(entry)s OR t.result <> %(denied)s)
    ORDER BY t.unit_id, t.time, t.type, t.subject
) h

-- residents --
SELECT unit_id, (starts_at + make_interval(hours => %(offset_h)s))::date - %(first)s::date,
       coalesce((ends_at + make_interval(hours => %(offset_h)s))::date - %(first)s::date, %(never)s)
FROM v_registered
WHERE unit_id = ANY(%(unit_ids)s)
ORDER BY unit_id, starts_at, ends_at

-- on_record --
SELECT unit_id, area_m2, contract_kw, elder_alone FROM v_home_facts WHERE unit_id = ANY(%(unit_ids)s)

-- heard --
-- Days on which a device that watches the door reported anything about itself.
SELECT s.unit_id,
       (r.time + make_interval(hours => %(offset_h)s))::date - %(first)s::date,
       min((r.received_at + make_interval(hours => %(offset_h)s))::date - %(first)s::date)
FROM v_source s
JOIN v_reading r ON r.device_id = s.device_id
    AND r.time >= s.valid_from AND (s.valid_to IS NULL OR r.time < s.valid_to)
WHERE s.unit_id = ANY(%(unit_ids)s) AND s.channel = %(events)s AND s.profile = ANY(%(profiles)s)
  AND r.time >= %(start)s AND r.time < %(end)s
  AND r.quality & %(not_evidence)s = 0
GROUP BY 1, 2

-- strangers --
-- Entries by people who were not registered there at the time.
SELECT s.unit_id, (e.time + make_interval(hours => %(offset_h)s))::date - %(first)s::date, count(*)
FROM v_source s
JOIN v_event e ON e.device_id = s.device_id
    AND e.time >= s.valid_from AND (s.valid_to IS NULL OR e.time < s.valid_to)
WHERE s.unit_id = ANY(%(unit_ids)s) AND s.channel = %(events)s AND s.profile = ANY(%(profiles)s)
  AND e.time >= %(start)s AND e.time < %(end)s
  AND e.quality & %(not_evidence)s = 0 AND e.type = %(entry)s AND e.result <> %(denied)s
  AND NOT EXISTS (
      SELECT FROM v_registered r
      WHERE r.unit_id = s.unit_id AND r.subject = e.subject
        AND r.starts_at <= e.time AND (r.ends_at IS NULL OR e.time < r.ends_at)
  )
GROUP BY 1, 2

-- absences --
SELECT unit_id, starts_at, ends_at, registered_at
FROM v_absence
WHERE unit_id = ANY(%(unit_ids)s) AND starts_at < %(end)s AND ends_at > %(start)s

-- leases --
SELECT unit_id, starts_on - %(first)s::date, ends_on - %(first)s::date + 1
FROM v_lease
WHERE unit_id = ANY(%(unit_ids)s)
