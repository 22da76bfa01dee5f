-- hold --
SELECT status, version, origin, kind
FROM alert
WHERE id = %(alert_id)s AND (%(everything)s OR estate_id = ANY(%(estate_ids)s))
FOR UPDATE

-- move --
UPDATE alert
SET status = %(status)s, version = version + 1, closed_at = CASE WHEN %(status)s = 'closed' THEN %(now)s::timestamptz END
WHERE id = %(alert_id)s

-- record --
INSERT INTO alert_step (alert_id, action, from_status, to_status, by, at, note)
VALUES (%(alert_id)s, %(action)s, %(before)s, %(status)s, %(by)s, %(now)s, %(note)s)

-- steps --
SELECT action, from_status, to_status, by, at, note FROM alert_step WHERE alert_id = %(alert_id)s ORDER BY id
