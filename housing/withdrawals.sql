-- lock_concerned --
-- Leads that stand on an evening that was judged again: whether that evening still finds them, and whether
-- they are flagged. Locked: a verdict that commits meanwhile is seen, one that comes later waits.
SELECT l.id, l.unit_id, u.code, l.kind, l.status,
       EXISTS (SELECT FROM v_signal s
               WHERE s.unit_id = l.unit_id AND s.kind = l.kind AND s.as_of = l.last_as_of),
       coalesce((SELECT w.effect = 'flagged' FROM lead_withdrawal w
                 WHERE w.lead_id = l.id ORDER BY w.id DESC LIMIT 1), false)
FROM lead l
JOIN unit u ON u.id = l.unit_id
JOIN unnest(%(units)s::integer[], %(firsts)s::date[], %(lasts)s::date[]) AS h (unit_id, first, last)
    ON h.unit_id = l.unit_id AND l.last_as_of BETWEEN h.first AND h.last
WHERE l.status <> 'withdrawn'
ORDER BY l.id
FOR UPDATE OF l

-- record --
INSERT INTO lead_withdrawal (lead_id, at, by, effect, status, reason, change_id)
VALUES (%(lead_id)s, %(at)s, %(by)s, %(effect)s, %(status)s, %(reason)s, %(change_id)s)
ON CONFLICT (lead_id, change_id) DO NOTHING
RETURNING id

-- close --
UPDATE lead SET status = 'withdrawn', closed_at = %(now)s, version = version + 1 WHERE id = %(lead_id)s

-- renew_evidence --
-- An open lead of these homes that is still found says what its evening says now.
UPDATE lead l
SET last_signal_at = s.at, since = s.since, since_pm_days = s.since_pm_days, score = s.score,
    evidence = s.evidence, quality = s.quality, detector = s.detector, policy = s.policy
FROM v_signal s,
     unnest(%(units)s::integer[], %(firsts)s::date[], %(lasts)s::date[]) AS h (unit_id, first, last)
WHERE h.unit_id = l.unit_id AND l.status = 'open' AND l.last_as_of BETWEEN h.first AND h.last
  AND s.unit_id = l.unit_id AND s.kind = l.kind AND s.as_of = l.last_as_of
  AND (l.last_signal_at, l.since, l.since_pm_days, l.score, l.evidence, l.quality, l.detector, l.policy)
      IS DISTINCT FROM (s.at, s.since, s.since_pm_days, s.score, s.evidence, s.quality, s.detector, s.policy)

-- of_lead --
SELECT w.id, w.lead_id, w.at, w.by, w.effect, w.status, w.reason, w.change_id
FROM lead_withdrawal w
JOIN v_lead l ON l.id = w.lead_id
WHERE w.lead_id = %(lead_id)s AND (%(everything)s OR l.estate_id = ANY(%(estate_ids)s))
ORDER BY w.id

-- affected --
SELECT count(*) FILTER (WHERE l.status = 'open'),
       count(*) FILTER (WHERE l.status IN ('confirmed', 'refuted', 'dismissed'))
FROM v_lead l
WHERE l.unit_id = ANY(%(units)s) AND l.last_as_of >= %(since)s
  AND (%(everything)s OR l.estate_id = ANY(%(estate_ids)s))
