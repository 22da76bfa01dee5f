-- alerts --
-- The most pressing first, then the newest.
SELECT a.id, a.origin, a.kind, a.severity,
       CASE a.severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END AS rank,
       a.status, a.since, a.raised_at, a.seen_at, a.cleared_at, a.times, a.closed_at, a.detail, a.version,
       e.code AS estate, e.time_zone, a.unit_id, h.unit, d.code AS device, d.serial
FROM alert a
LEFT JOIN estate e ON e.id = a.estate_id
LEFT JOIN v_home h ON h.unit_id = a.unit_id
LEFT JOIN device d ON d.id = a.device_id
WHERE (%(everything)s OR a.estate_id = ANY(%(estate_ids)s))
  AND (%(alert_id)s::integer IS NULL OR a.id = %(alert_id)s)
  AND (%(estate)s::text IS NULL OR e.code = %(estate)s)
  AND (%(kind)s::text IS NULL OR a.kind = %(kind)s)
  AND CASE %(show)s
      WHEN 'all' THEN true
      WHEN 'current' THEN a.status IN ('open', 'in_progress') OR (a.cleared_at IS NULL AND a.status <> 'closed')
      WHEN 'over' THEN a.status = 'open' AND a.cleared_at IS NOT NULL
      ELSE a.status = %(show)s END
  AND (%(rank)s::integer IS NULL
       OR (CASE a.severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, -a.id)
           > (%(rank)s, -%(last_id)s::integer))
ORDER BY rank, a.id DESC
LIMIT %(limit)s

-- counts --
SELECT count(*) FILTER (WHERE status = 'open'),
       count(*) FILTER (WHERE status IN ('open', 'in_progress') OR cleared_at IS NULL),
       count(*) FILTER (WHERE status = 'open' AND cleared_at IS NOT NULL)
FROM alert
WHERE status <> 'closed' AND (%(everything)s OR estate_id = ANY(%(estate_ids)s))
