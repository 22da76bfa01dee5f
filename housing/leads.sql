-- newest_sweep --
-- The last local day that was swept: what the sweep says of itself, or its newest answer.
SELECT greatest((SELECT (note ->> 'last')::date FROM watermark WHERE name = 'sweep'),
                (SELECT max(as_of) FROM v_signal))

-- refresh_leads --
-- An open lead takes over what the newest sweep says, and of its family the kind that ranks first now. A
-- verdict that commits meanwhile wins: the row is then no longer open and is left alone.
UPDATE lead l
SET kind = n.kind, last_signal_at = n.at, last_as_of = n.as_of, since = n.since, since_pm_days = n.since_pm_days,
    score = n.score, evidence = n.evidence, quality = n.quality, detector = n.detector, policy = n.policy
FROM (
    SELECT DISTINCT ON (s.unit_id, f.family) s.*, f.family
    FROM v_signal s
    JOIN unnest(%(kinds)s::text[], %(families)s::text[]) AS f (kind, family) ON f.kind = s.kind
    JOIN unit u ON u.id = s.unit_id
    JOIN unnest(%(estate_id)s::integer[], %(earliest)s::date[]) AS r (estate_id, earliest)
        ON r.estate_id = u.estate_id
    WHERE s.as_of >= r.earliest
    ORDER BY s.unit_id, f.family, s.as_of DESC, s.score DESC, s.kind
) n
JOIN unnest(%(kinds)s::text[], %(families)s::text[]) AS mine (kind, family) ON mine.family = n.family
WHERE l.unit_id = n.unit_id AND l.kind = mine.kind AND l.status = 'open' AND n.as_of >= l.last_as_of
  AND (l.kind, l.last_signal_at, l.last_as_of, l.since, l.since_pm_days, l.score, l.evidence, l.quality, l.detector,
       l.policy)
      IS DISTINCT FROM
      (n.kind, n.at, n.as_of, n.since, n.since_pm_days, n.score, n.evidence, n.quality, n.detector, n.policy)

-- open_leads --
-- A new lead for every home and family of kinds that has none open, unless a person decided this very episode,
-- or the home rests. An episode goes on while its claim reaches back into what was decided, and while every evening
-- since has found it, wherever its claimed start has moved; only a count of hours (water) that does not reach
-- back to the verdict shows that it paused in between. A withdrawn lead was decided by nobody: it hinders none.
INSERT INTO lead (unit_id, kind, opened_at, last_signal_at, last_as_of, since, since_pm_days, score,
                  evidence, quality, detector, policy)
SELECT n.unit_id, n.kind, %(now)s, n.at, n.as_of, n.since, n.since_pm_days, n.score, n.evidence, n.quality,
       n.detector, n.policy
FROM (
    SELECT DISTINCT ON (s.unit_id, f.family) s.*, f.family, r.rest_refuted, r.rest_dismissed, r.bar,
           e.time_zone,
           CASE WHEN jsonb_typeof(s.evidence -> 0 -> 'numbers' -> 'hours') = 'number'
                THEN (s.evidence -> 0 -> 'numbers' ->> 'hours')::double precision END AS hours
    FROM v_signal s
    JOIN unnest(%(kinds)s::text[], %(families)s::text[]) AS f (kind, family) ON f.kind = s.kind
    JOIN unit u ON u.id = s.unit_id
    JOIN estate e ON e.id = u.estate_id
    JOIN unnest(%(estate_id)s::integer[], %(earliest)s::date[], %(rest_refuted)s::interval[],
                %(rest_dismissed)s::interval[], %(bar)s::double precision[])
        AS r (estate_id, earliest, rest_refuted, rest_dismissed, bar) ON r.estate_id = u.estate_id
    WHERE s.as_of >= r.earliest
    ORDER BY s.unit_id, f.family, s.as_of DESC, s.score DESC, s.kind
) n
CROSS JOIN LATERAL (
    SELECT array_agg(f.kind) AS kinds
    FROM unnest(%(kinds)s::text[], %(families)s::text[]) AS f (kind, family)
    WHERE f.family = n.family
) mine
WHERE NOT EXISTS (
    SELECT FROM lead l WHERE l.unit_id = n.unit_id AND l.kind = ANY(mine.kinds) AND l.status = 'open')
  AND NOT EXISTS (
    SELECT FROM lead c
    WHERE c.unit_id = n.unit_id AND c.kind = ANY(mine.kinds) AND c.status NOT IN ('open', 'withdrawn')
      AND (
        -- it claims to have begun before the verdict, and before the last evening that the verdict knew
        n.since <= least(c.closed_at, (c.last_as_of + 1)::timestamp AT TIME ZONE n.time_zone)
        -- it was found on every evening since
        OR (n.as_of - c.last_as_of = (
                SELECT count(DISTINCT s.as_of) FROM v_signal s
                WHERE s.unit_id = n.unit_id AND s.kind = ANY(mine.kinds)
                  AND s.as_of > c.last_as_of AND s.as_of <= n.as_of)
            AND coalesce(n.hours >= extract(epoch FROM n.at - c.closed_at) / 3600, true))
        -- after a refutation it takes more to ask again
        OR (n.kind <> ALL(%(hazards)s) AND c.status = 'refuted' AND n.score < n.bar)
        -- another episode: a hazard is asked about at once, an inspection kind after its rest
        OR (n.kind <> ALL(%(hazards)s)
            AND %(now)s < c.closed_at + CASE c.status WHEN 'refuted' THEN n.rest_refuted
                                                      WHEN 'dismissed' THEN n.rest_dismissed
                                                      ELSE interval '0' END)))
ORDER BY n.unit_id, n.kind  -- leads of equal weight keep an order that can be told
ON CONFLICT DO NOTHING

-- list_opened --
-- Newest first; a lead keeps its place while sweeps refresh it.
SELECT l.id, l.unit_id, l.unit, l.estate_id, l.estate, l.building, l.kind, l.status, l.opened_at,
       l.last_signal_at, l.last_as_of, l.since, l.since_pm_days, l.score, l.evidence, l.quality, l.detector,
       l.policy, l.closed_at, l.version, l.time_zone, l.city,
       n.sweep AS newest_sweep,
       l.kind = %(lot)s
           OR EXISTS (SELECT FROM v_signal s
                      WHERE s.unit_id = l.unit_id AND s.kind = l.kind AND s.as_of = n.sweep) AS found_now
FROM v_lead l
CROSS JOIN (SELECT %(newest_sweep)s::date AS sweep) n
WHERE (%(everything)s OR l.estate_id = ANY(%(estate_ids)s))
  AND (%(status)s::text IS NULL OR l.status = %(status)s)
  AND (%(kind)s::text IS NULL OR l.kind = %(kind)s)
  AND (%(estate)s::text IS NULL OR l.estate = %(estate)s)
  AND (%(unit_id)s::integer IS NULL OR l.unit_id = %(unit_id)s)
  AND (%(lead_id)s::integer IS NULL OR l.id = %(lead_id)s)
  AND (%(after_id)s::integer IS NULL OR l.id < %(after_id)s)
ORDER BY l.id DESC
LIMIT %(limit)s

-- queue --
-- What people work through: found by the newest sweep first, hazards before the rest, then by score. A home
-- stands once among what is open, with the kind that presses most; `also` has the first sentences of its others. With
-- the mean day of each of the last weeks (NULL: unknown), water where nothing else counts, else electricity.
SELECT l.id, l.unit_id, l.unit, l.estate_id, l.estate, l.building, l.kind, l.status, l.opened_at,
       l.last_signal_at, l.last_as_of, l.since, l.since_pm_days, l.score, l.evidence, l.quality, l.detector,
       l.policy, l.closed_at, l.version, l.time_zone, l.city,
       n.sweep AS newest_sweep,
       l.kind = %(lot)s
           OR EXISTS (SELECT FROM v_signal s
                      WHERE s.unit_id = l.unit_id AND s.kind = l.kind AND s.as_of = n.sweep) AS found_now,
       ARRAY(
           SELECT w.mean
           FROM generate_series(0, %(weeks)s - 1) AS g (week)
           LEFT JOIN (
               SELECT (d.day - %(first_day)s) / 7 AS week,
                      avg(CASE WHEN l.kind = ANY(%(of_water)s) THEN d.water_l ELSE d.energy_kwh END) AS mean
               FROM v_unit_day d
               WHERE d.unit_id = l.unit_id
                 AND d.day >= %(first_day)s AND d.day < %(first_day)s + %(weeks)s * 7
               GROUP BY 1
           ) w ON w.week = g.week
           ORDER BY g.week
       ) AS spark,
       ARRAY(
           SELECT o.evidence -> 0
           FROM v_lead o
           WHERE l.status = 'open' AND o.unit_id = l.unit_id AND o.status = 'open' AND o.id <> l.id
             AND jsonb_array_length(o.evidence) > 0
             AND (%(kind)s::text IS NULL OR o.kind = %(kind)s)
           ORDER BY o.last_as_of DESC, array_position(%(kinds)s::text[], o.kind), o.score DESC, o.id DESC
       ) AS also
FROM v_lead l
CROSS JOIN (SELECT %(newest_sweep)s::date AS sweep) n
WHERE (%(everything)s OR l.estate_id = ANY(%(estate_ids)s))
  AND l.status = ANY(%(statuses)s)
  AND (l.status <> 'open' OR l.kind <> %(lot)s)  -- what was drawn by lot has no rank: `housing.queue`
  AND (%(kind)s::text IS NULL OR l.kind = %(kind)s)
  AND (%(estate_id)s::integer IS NULL OR l.estate_id = %(estate_id)s)
  AND NOT EXISTS (
    SELECT FROM v_lead b
    WHERE l.status = 'open' AND b.unit_id = l.unit_id AND b.status = 'open'
      AND (%(kind)s::text IS NULL OR b.kind = %(kind)s)
      AND (b.last_as_of, -array_position(%(kinds)s::text[], b.kind), b.score, b.id)
          > (l.last_as_of, -array_position(%(kinds)s::text[], l.kind), l.score, l.id))
  AND (%(after_id)s::integer IS NULL
       OR (l.last_as_of, l.kind = ANY(%(hazards)s), l.score, l.id)
          < (%(after_as_of)s::date, %(after_hazard)s::boolean, %(after_score)s::real, %(after_id)s::integer))
ORDER BY l.last_as_of DESC, (l.kind = ANY(%(hazards)s)) DESC, l.score DESC, l.id DESC
LIMIT %(limit)s

-- counts --
SELECT l.status, l.kind, count(*)
FROM v_lead l
WHERE (%(everything)s OR l.estate_id = ANY(%(estate_ids)s))
  AND (%(estate_id)s::integer IS NULL OR l.estate_id = %(estate_id)s)
GROUP BY l.status, l.kind

-- waiting --
SELECT count(DISTINCT l.unit_id)
FROM v_lead l
WHERE l.status = 'open' AND l.kind <> %(lot)s AND (%(everything)s OR l.estate_id = ANY(%(estate_ids)s))
  AND (%(estate_id)s::integer IS NULL OR l.estate_id = %(estate_id)s)

-- position --
-- The place of the home of one open lead in the queue of its reader, and how long that queue is.
SELECT p.place, p.total
FROM (
    SELECT h.unit_id,
           row_number() OVER (ORDER BY h.last_as_of DESC, h.hazard DESC, h.score DESC, h.id DESC) AS place,
           count(*) OVER () AS total
    FROM (
        SELECT DISTINCT ON (l.unit_id) l.unit_id, l.id, l.last_as_of, l.score,
               l.kind = ANY(%(hazards)s) AS hazard
        FROM v_lead l
        WHERE l.status = 'open' AND l.kind <> %(lot)s
          AND (%(everything)s OR l.estate_id = ANY(%(estate_ids)s))
        ORDER BY l.unit_id, l.last_as_of DESC, array_position(%(kinds)s::text[], l.kind), l.score DESC,
                 l.id DESC
    ) h
) p
JOIN v_lead asked ON asked.unit_id = p.unit_id
WHERE asked.id = %(lead_id)s AND asked.status = 'open'
