-- list_signals --
-- Newest day first; keyset on (as_of, id).
SELECT s.id, s.unit_id, u.code AS unit, e.code AS estate, s.kind, s.as_of, s.at, s.since, s.since_pm_days,
       s.score, s.evidence, s.quality, s.detector, s.policy
FROM v_signal s
JOIN unit u ON u.id = s.unit_id
JOIN estate e ON e.id = u.estate_id
WHERE (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))
  AND (%(kind)s::text IS NULL OR s.kind = %(kind)s)
  AND (%(estate)s::text IS NULL OR e.code = %(estate)s)
  AND (%(unit_id)s::integer IS NULL OR s.unit_id = %(unit_id)s)
  AND (%(from)s::date IS NULL OR s.as_of >= %(from)s)
  AND (%(to)s::date IS NULL OR s.as_of <= %(to)s)
  AND (%(after_as_of)s::date IS NULL
       OR (s.as_of, s.id) < (%(after_as_of)s::date, %(after_id)s::bigint))
ORDER BY s.as_of DESC, s.id DESC
LIMIT %(limit)s

-- episodes --
-- What detectors said of one home, one row for each kind and claimed start: where to mark its plot.
SELECT s.kind, s.since, min(s.as_of) AS first_as_of, max(s.as_of) AS last_as_of, max(s.score) AS score,
       (array_agg(s.since_pm_days ORDER BY s.as_of DESC))[1] AS since_pm_days,
       (array_agg(s.evidence ORDER BY s.as_of DESC))[1] AS evidence
FROM v_signal s
JOIN unit u ON u.id = s.unit_id
WHERE s.unit_id = %(unit_id)s
  AND (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))
  AND s.as_of BETWEEN %(from)s AND %(to)s
GROUP BY s.kind, s.since
ORDER BY s.since, s.kind
