-- judged --
-- The newest decision on each home and year, by the kinds of one family: one home's leads of a year are one
-- observation. What says nothing of the home (a fault of the device, a duplicate) does not count.
SELECT DISTINCT ON (j.unit_id, extract(year FROM j.at)) j.score, j.outcome = 'confirmed', j.at
FROM v_judged j
WHERE j.city = %(city)s AND j.kind = ANY(%(kinds)s) AND j.source = 'visit' AND j.code <> ALL(%(says_nothing)s)
  AND j.detector = %(detector)s AND j.at <= %(now)s
ORDER BY j.unit_id, extract(year FROM j.at), j.at DESC, j.lead_id DESC

-- lots --
-- Visits by lot, and how many of them were confirmed.
SELECT count(*), count(*) FILTER (WHERE outcome = 'confirmed')
FROM v_judged WHERE city = %(city)s AND kind = %(lot)s AND source = 'visit' AND at <= %(now)s

-- in_force --
-- What holds at each of some moments.
SELECT DISTINCT ON (m.at, c.family)
       m.at, c.id, c.city, c.family, c.detector, c.made_at, c.intercept, c.slope, c.unit_years, c.confirmed, c.lots,
       c.first_at, c.last_at, c.error_before, c.error_after, c.policy
FROM unnest(%(at)s::timestamptz[]) AS m (at)
JOIN calibration c ON c.city = %(city)s AND c.made_at <= m.at
WHERE NOT EXISTS (SELECT FROM calibration_rollback r WHERE r.calibration_id = c.id AND r.at <= m.at)
ORDER BY m.at, c.family, c.made_at DESC, c.id DESC

-- all --
SELECT c.id, c.city, c.family, c.detector, c.made_at, c.intercept, c.slope, c.unit_years, c.confirmed, c.lots,
       c.first_at, c.last_at, c.error_before, c.error_after, c.policy
FROM calibration c
ORDER BY c.city, c.family, c.made_at, c.id

-- keep --
INSERT INTO calibration (city, family, detector, made_at, intercept, slope, unit_years, confirmed, lots, first_at,
                         last_at, error_before, error_after, policy)
VALUES (%(city)s, %(family)s, %(detector)s, %(now)s, %(intercept)s, %(slope)s, %(unit_years)s, %(confirmed)s,
        %(lots)s, %(first_at)s, %(last_at)s, %(error_before)s, %(error_after)s, %(policy)s)
RETURNING id

-- take_back --
INSERT INTO calibration_rollback (calibration_id, at, by, reason)
VALUES (%(id)s, %(now)s, %(by)s, %(reason)s)
