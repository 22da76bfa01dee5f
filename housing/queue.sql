-- months --
-- Of each estate: its homes, those visited in its month, those drawn by lot in it, and what the newest sweep
-- says of homes that nobody is asked about, because a person decided lately.
SELECT m.estate_id, h.homes, v.visited, r.drawn, r.waiting, s.resting
FROM unnest(%(estate_id)s::integer[], %(start)s::timestamptz[], %(end)s::timestamptz[])
    AS m (estate_id, starts_at, ends_at)
CROSS JOIN LATERAL (SELECT count(*) AS homes FROM unit u WHERE u.estate_id = m.estate_id) h
CROSS JOIN LATERAL (
    SELECT count(DISTINCT l.unit_id) AS visited
    FROM verdict v
    JOIN v_lead l ON l.id = v.lead_id
    WHERE l.estate_id = m.estate_id AND v.source = 'visit' AND v.outcome <> 'reopened'
      AND l.kind <> ALL(%(hazards)s) AND v.at >= m.starts_at AND v.at < m.ends_at
) v
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE l.opened_at >= m.starts_at AND l.opened_at < m.ends_at) AS drawn,
           count(*) FILTER (WHERE l.status = 'open') AS waiting
    FROM v_lead l
    WHERE l.estate_id = m.estate_id AND l.kind = %(lot)s
) r
CROSS JOIN LATERAL (
    SELECT count(DISTINCT s.unit_id) AS resting
    FROM v_signal s
    JOIN unit u ON u.id = s.unit_id AND u.estate_id = m.estate_id
    WHERE s.as_of = %(newest_sweep)s AND s.kind = ANY(%(inspected)s)
      AND NOT EXISTS (SELECT FROM lead l WHERE l.unit_id = s.unit_id AND l.status = 'open'
                        AND l.kind = ANY(%(inspected)s))
) s
ORDER BY m.estate_id

-- ranked --
-- The homes with open leads of the inspection kinds, each with the one that ranks first; what the newest
-- sweep no longer finds comes last.
SELECT DISTINCT ON (l.unit_id) l.estate_id, l.id, l.score,
       EXISTS (SELECT FROM v_signal s
               WHERE s.unit_id = l.unit_id AND s.kind = l.kind AND s.as_of = %(newest_sweep)s) AS found_now
FROM v_lead l
WHERE l.status = 'open' AND l.kind = ANY(%(inspected)s) AND l.estate_id = ANY(%(estate_id)s)
ORDER BY l.unit_id, found_now DESC, l.score DESC, l.id

-- draw --
-- So many homes of an estate by lot: none about which a question is open, or that was visited lately. The lot
-- is the month and the home, so that drawing again draws the same.
INSERT INTO lead (unit_id, kind, opened_at, last_signal_at, last_as_of, since, since_pm_days, score, evidence,
                  quality, detector, policy)
SELECT u.id, %(lot)s, %(now)s, %(now)s, %(today)s, %(now)s, 0, %(score)s, %(evidence)s, %(quality)s,
       %(detector)s, %(policy)s
FROM unit u
WHERE u.estate_id = %(estate_id)s
  AND EXISTS (SELECT FROM lease e WHERE e.unit_id = u.id AND %(today)s BETWEEN e.starts_on AND e.ends_on)
  AND NOT EXISTS (SELECT FROM lead l WHERE l.unit_id = u.id AND l.status = 'open')
  AND NOT EXISTS (SELECT FROM verdict v JOIN lead l ON l.id = v.lead_id
                  WHERE l.unit_id = u.id AND v.source = 'visit' AND v.at > %(now)s - %(rest)s::interval)
  AND NOT EXISTS (SELECT FROM lead l
                  WHERE l.unit_id = u.id AND l.kind = %(lot)s AND l.opened_at > %(now)s - %(rest)s::interval)
ORDER BY sha256(convert_to(%(month)s || ' ' || u.id, 'UTF8'))
LIMIT %(count)s
