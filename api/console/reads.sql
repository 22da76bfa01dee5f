-- unit_days --
-- The features of one home, a row a local day.
SELECT d.day, d.energy_kwh, d.water_l, d.entries, d.entries_unknown, d.energy_alive, d.water_alive,
       d.door_alive, d.absent
FROM v_unit_day d
WHERE d.unit_id = %(unit_id)s AND d.day BETWEEN %(first)s AND %(last)s
ORDER BY d.day

-- peers --
-- What similar homes of the estate used, day by day: the first and ninth decile, and how many homes are behind
-- them. At most 120 homes: the band hardly moves beyond that, and the page stays fast on a large estate.
WITH peer AS (
    SELECT u.id
    FROM unit u
    WHERE u.estate_id = %(estate_id)s AND u.id <> %(unit_id)s
      AND (%(rooms)s::smallint IS NULL OR u.rooms = %(rooms)s)
    ORDER BY u.id
    LIMIT 120
)
SELECT d.day,
       percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY d.energy_kwh::double precision),
       count(d.energy_kwh),
       percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY d.water_l::double precision),
       count(d.water_l)
FROM v_unit_day d
JOIN peer ON peer.id = d.unit_id
WHERE d.day BETWEEN %(first)s AND %(last)s
GROUP BY d.day
ORDER BY d.day

-- fitted --
-- Since when each channel of a home has had a device, devices that were removed since included.
SELECT s.channel, min(s.valid_from)
FROM v_source s
WHERE s.unit_id = %(unit_id)s
GROUP BY s.channel

-- run_hours --
-- How many hours what is open has run, by lead; in the numbers of its first sentence.
SELECT l.id, (l.evidence -> 0 -> 'numbers' ->> 'hours')::double precision
FROM v_lead l
WHERE l.estate_id = %(estate_id)s AND l.status = 'open'
  AND jsonb_typeof(l.evidence -> 0 -> 'numbers' -> 'hours') = 'number'

-- names --
-- What accounts are called on pages.
SELECT username, display_name FROM account WHERE username = ANY(%(usernames)s)

-- newest_readings --
-- What a device said last, by channel: of each its newest reading, and its newest event as channel 0.
SELECT c.code AS channel, r.value, r.time AS at, r.received_at, r.quality::integer AS quality
FROM channel c
CROSS JOIN LATERAL (
    SELECT r.value, r.time, r.received_at, r.quality
    FROM v_reading r
    WHERE r.device_id = %(device_id)s AND r.channel = c.code
    ORDER BY r.time DESC
    LIMIT 1
) r
UNION ALL
(SELECT 0, NULL, e.time, e.received_at, e.quality::integer
 FROM v_event e
 WHERE e.device_id = %(device_id)s
 ORDER BY e.time DESC
 LIMIT 1)
ORDER BY channel
