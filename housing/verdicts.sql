-- lock_lead --
SELECT l.status, l.version, u.code, l.kind, l.last_as_of
FROM lead l
JOIN unit u ON u.id = l.unit_id
WHERE l.id = %(lead_id)s
  AND (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))
FOR UPDATE OF l

-- move_lead --
UPDATE lead SET status = %(status)s, closed_at = %(closed_at)s, version = version + 1
WHERE id = %(lead_id)s

-- insert_verdict --
INSERT INTO verdict (lead_id, outcome, code, source, by, at, note)
VALUES (%(lead_id)s, %(outcome)s, %(code)s, %(source)s, %(by)s, %(at)s, %(note)s)

-- verdicts_of_lead --
SELECT v.id, v.lead_id, v.outcome, v.code, v.source, v.by, v.at, v.note
FROM verdict v
JOIN lead l ON l.id = v.lead_id
JOIN unit u ON u.id = l.unit_id
WHERE v.lead_id = %(lead_id)s
  AND (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))
ORDER BY v.id
