-- end_earlier --
-- What was known of people who left.
UPDATE home_fact f SET ends_at = v.ends_at
FROM v_home_fact v, lead l
WHERE l.id = %(lead_id)s AND f.unit_id = l.unit_id AND f.code = %(code)s AND f.ends_at IS NULL
  AND v.id = f.id AND v.ends_at <= %(now)s

-- keep --
-- From the newest verdict of a lead; what is known already stays as it is.
INSERT INTO home_fact (unit_id, code, known_at, verdict_id)
SELECT l.unit_id, %(code)s, %(now)s, (SELECT max(id) FROM verdict WHERE lead_id = l.id)
FROM lead l
WHERE l.id = %(lead_id)s
ON CONFLICT (unit_id, code) WHERE ends_at IS NULL DO NOTHING

-- take_back --
-- What verdicts on a lead had made known.
UPDATE home_fact SET ends_at = %(now)s
WHERE ends_at IS NULL AND verdict_id IN (SELECT id FROM verdict WHERE lead_id = %(lead_id)s)

-- of_unit --
SELECT code, known_at FROM v_home_fact
WHERE unit_id = %(unit_id)s AND known_at <= %(now)s AND (ends_at IS NULL OR ends_at > %(now)s)
ORDER BY known_at, id
