-- homes --
SELECT unit_id, city, time_zone
FROM v_home
WHERE %(everything)s OR unit_id = ANY(%(unit_ids)s)
ORDER BY city, time_zone, unit_id

-- doors --
-- What happened at the doors by local day and by the local day on which it was known, counted from the
-- window's first. Only a device that watches a door (one of these profiles) is heard as one: from others
-- what they saw counts, and their silence says nothing.
SELECT s.unit_id,
       (e.time + make_interval(hours => %(offset_h)s))::date - %(first)s::date,
       (e.received_at + make_interval(hours => %(offset_h)s))::date - %(first)s::date,
       count(*) FILTER (WHERE e.type = %(entry)s AND e.result <> %(denied)s),
       count(*) FILTER (WHERE e.type = ANY(%(openings)s)),
       count(*) FILTER (WHERE e.type = ANY(%(stirs)s)),
       count(*) FILTER (WHERE s.profile = ANY(%(profiles)s))
FROM v_source s
JOIN v_event e ON e.device_id = s.device_id
    AND e.time >= s.valid_from AND (s.valid_to IS NULL OR e.time < s.valid_to)
WHERE s.unit_id = ANY(%(unit_ids)s) AND s.channel = %(events)s
  AND e.time >= %(start)s AND e.time < %(end)s
  AND e.quality & %(not_evidence)s = 0
GROUP BY 1, 2, 3

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
