-- device --
SELECT d.id, d.profile, d.status = 'active'
FROM device d
WHERE d.code = %(code)s AND (%(everything)s OR d.estate_id = ANY(%(estate_ids)s))

-- put --
INSERT INTO command (id, device_id, name, arguments, status, reason, note, asked_by, asked_at, valid_for,
                     expires_at, ended_at, refusal)
VALUES (%(id)s, %(device_id)s, %(name)s, %(arguments)s, %(status)s, %(reason)s, %(note)s, %(by)s, %(now)s,
        %(valid_for)s, %(expires_at)s, CASE WHEN %(refusal)s::text IS NOT NULL THEN %(now)s END, %(refusal)s)
ON CONFLICT (id) DO NOTHING
RETURNING id

-- lock_device --
-- Two who ask for a device at once come one after the other; what only refers to it goes on.
SELECT FROM device WHERE id = %(device_id)s FOR NO KEY UPDATE

-- like --
-- A proposal of the same command that can still be approved; none where this one is on record already.
SELECT c.id, c.asked_by
FROM command c
WHERE c.device_id = %(device_id)s AND c.name = %(name)s AND c.id <> %(id)s AND c.status = 'proposed'
  AND c.expires_at > %(now)s AND NOT EXISTS (SELECT FROM command o WHERE o.id = %(id)s)
ORDER BY c.asked_at, c.id
LIMIT 1

-- lock --
-- One command in the asker's estates, kept as it is until the transaction ends.
SELECT c.id, d.code, c.name, c.arguments, c.status, c.reason, c.note, c.asked_by, c.asked_at, c.approved_by,
       c.approved_at, c.valid_for, c.expires_at, c.attempts, c.sent_at, c.taken_at, c.ended_at, c.refusal,
       c.answer
FROM command c
JOIN device d ON d.id = c.device_id
WHERE c.id = %(id)s AND (%(everything)s OR d.estate_id = ANY(%(estate_ids)s))
FOR UPDATE OF c

-- one --
SELECT c.id, d.code, c.name, c.arguments, c.status, c.reason, c.note, c.asked_by, c.asked_at, c.approved_by,
       c.approved_at, c.valid_for, c.expires_at, c.attempts, c.sent_at, c.taken_at, c.ended_at, c.refusal,
       c.answer
FROM command c
JOIN device d ON d.id = c.device_id
WHERE c.id = %(id)s AND (%(everything)s OR d.estate_id = ANY(%(estate_ids)s))

-- several --
-- The newest first.
SELECT c.id, d.code, c.name, c.arguments, c.status, c.reason, c.note, c.asked_by, c.asked_at, c.approved_by,
       c.approved_at, c.valid_for, c.expires_at, c.attempts, c.sent_at, c.taken_at, c.ended_at, c.refusal,
       c.answer
FROM command c
JOIN device d ON d.id = c.device_id
WHERE (%(everything)s OR d.estate_id = ANY(%(estate_ids)s))
  AND (%(device)s::text IS NULL OR d.code = %(device)s)
  AND (%(status)s::text IS NULL OR c.status = %(status)s)
  AND (%(before)s::timestamptz IS NULL OR (c.asked_at, c.id) < (%(before)s, %(before_id)s::uuid))
ORDER BY c.asked_at DESC, c.id DESC
LIMIT %(limit)s

-- waiting_count --
-- Proposals in the asker's estates that wait for a second person, and that may be this one.
SELECT count(*)
FROM command c
JOIN device d ON d.id = c.device_id
WHERE c.status = 'proposed' AND c.expires_at > %(now)s AND c.asked_by <> %(by)s
  AND (%(everything)s OR d.estate_id = ANY(%(estate_ids)s))

-- waiting --
-- Every proposal that waits, whose time is up first at the front; with where the device hangs.
SELECT c.id, d.code, c.name, c.arguments, c.status, c.reason, c.note, c.asked_by, c.asked_at, c.approved_by,
       c.approved_at, c.valid_for, c.expires_at, c.attempts, c.sent_at, c.taken_at, c.ended_at, c.refusal,
       c.answer, e.time_zone, ARRAY(
           SELECT DISTINCT coalesce(h.unit, i.entrance)
           FROM installation i
           LEFT JOIN v_home h ON h.unit_id = i.unit_id
           WHERE i.device_id = d.id AND i.valid_from <= %(now)s
             AND (i.valid_to IS NULL OR i.valid_to > %(now)s)
             AND coalesce(h.unit, i.entrance) IS NOT NULL
           ORDER BY 1
       )
FROM command c
JOIN device d ON d.id = c.device_id
JOIN estate e ON e.id = d.estate_id
WHERE c.status = 'proposed' AND c.expires_at > %(now)s
  AND (%(everything)s OR d.estate_id = ANY(%(estate_ids)s))
ORDER BY c.expires_at, c.id
LIMIT %(limit)s

-- decide --
-- Behind `lock`.
UPDATE command
SET status = %(status)s, approved_by = %(approved_by)s,
    approved_at = CASE WHEN %(approved_by)s::text IS NOT NULL THEN %(now)s END,
    expires_at = CASE WHEN %(status)s = 'queued' THEN %(now)s + valid_for ELSE expires_at END,
    ended_at = CASE WHEN %(refusal)s::text IS NOT NULL THEN %(now)s END, refusal = %(refusal)s
WHERE id = %(id)s

-- notify --
NOTIFY command

-- tenancy_ended --
-- Whether the device serves a home whose last lease is over.
SELECT EXISTS (
    SELECT FROM installation i
    JOIN v_home h ON h.unit_id = i.unit_id
    CROSS JOIN LATERAL (SELECT (%(now)s AT TIME ZONE h.time_zone)::date) AS local (day)
    WHERE i.device_id = %(device_id)s AND i.valid_from <= %(now)s
      AND (i.valid_to IS NULL OR i.valid_to > %(now)s)
      AND EXISTS (SELECT FROM v_lease l WHERE l.unit_id = i.unit_id AND l.ends_on < local.day)
      AND NOT EXISTS (SELECT FROM v_lease l WHERE l.unit_id = i.unit_id AND l.ends_on >= local.day)
)

-- hazard_on_record --
-- Whether a device of the same home has reported such a hazard of late.
SELECT EXISTS (
    SELECT FROM installation mine
    JOIN installation other ON other.unit_id = mine.unit_id
    JOIN v_event e ON e.device_id = other.device_id
    WHERE mine.device_id = %(device_id)s
      AND mine.valid_from <= %(now)s AND (mine.valid_to IS NULL OR mine.valid_to > %(now)s)
      AND other.valid_from <= %(now)s AND (other.valid_to IS NULL OR other.valid_to > %(now)s)
      AND e.time > %(now)s - %(window)s AND e.time <= %(now)s
      AND e.type = ANY(%(types)s) AND e.value IS DISTINCT FROM 0 AND e.quality & %(not_evidence)s = 0
)

-- refused_before --
SELECT count(*) FROM command
WHERE asked_by = %(by)s AND refusal IN ('pressure', 'pressure_suspected') AND asked_at > %(now)s - interval '30 days'

-- expire --
UPDATE command SET status = 'expired', ended_at = expires_at
WHERE status IN ('proposed', 'queued', 'sent') AND expires_at <= %(now)s
RETURNING id

-- anything_open --
SELECT EXISTS (SELECT FROM command WHERE status IN ('proposed', 'queued', 'sent'))

-- claim --
-- What is to be sent now, and what was sent and not answered: again under its id, each time after twice as
-- long.
UPDATE command c SET status = 'sent', sent_at = %(now)s, attempts = c.attempts + 1
FROM device d
WHERE d.id = c.device_id AND c.id IN (
    SELECT o.id FROM command o
    WHERE o.expires_at > %(now)s AND NOT o.id = ANY(%(busy)s::uuid[])
      AND (o.status = 'queued' OR (o.status = 'sent'
                                     AND o.sent_at <= %(now)s - %(again_after)s * 2 ^ (o.attempts - 1)))
    ORDER BY o.asked_at, o.id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING c.id, d.code, c.name, c.arguments, c.expires_at

-- taken --
UPDATE command SET taken_at = %(now)s WHERE id = %(id)s AND status = 'sent'

-- not_taken --
-- Nobody is subscribed, or the broker is away: the device may come in time.
UPDATE command SET status = 'queued' WHERE id = %(id)s AND status = 'sent'

-- answer --
-- The device's word ends what waits for it; what ended otherwise keeps its end and the word is recorded.
UPDATE command c
SET answer = coalesce(c.answer, a.answer),
    status = CASE WHEN c.status NOT IN ('sent', 'queued') THEN c.status
                  WHEN a.ok THEN 'acknowledged' ELSE 'failed' END,
    ended_at = CASE WHEN c.status NOT IN ('sent', 'queued') THEN c.ended_at ELSE a.at END
FROM unnest(%(ids)s::uuid[], %(devices)s::integer[], %(oks)s::boolean[], %(answers)s::jsonb[], %(ats)s::timestamptz[])
    AS a (id, device_id, ok, answer, at)
WHERE c.id = a.id AND c.device_id = a.device_id AND c.attempts > 0
RETURNING c.id, c.device_id
