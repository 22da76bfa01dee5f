-- rows --
-- Newest first. A repeated message is one row.
SELECT id, topic, reason, detail, decoder, length(payload) AS size, first_at, last_at, repeats
FROM quarantine
WHERE (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(topic)s::text IS NULL OR topic ILIKE '%%' || %(topic)s || '%%')
  AND (%(since)s::timestamptz IS NULL OR last_at >= %(since)s)
  AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC
LIMIT %(limit)s

-- one --
SELECT id, topic, reason, detail, decoder, length(payload) AS size, first_at, last_at, repeats, payload
FROM quarantine
WHERE id = %(id)s

-- by_reason --
SELECT reason AS name, count(*) AS messages, sum(repeats)::bigint AS repeats, min(first_at) AS first_at,
       max(last_at) AS last_at
FROM quarantine
WHERE (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(topic)s::text IS NULL OR topic ILIKE '%%' || %(topic)s || '%%')
  AND (%(since)s::timestamptz IS NULL OR last_at >= %(since)s)
GROUP BY reason
ORDER BY messages DESC, reason

-- by_topic --
SELECT topic AS name, count(*) AS messages, sum(repeats)::bigint AS repeats, min(first_at) AS first_at,
       max(last_at) AS last_at
FROM quarantine
WHERE (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(topic)s::text IS NULL OR topic ILIKE '%%' || %(topic)s || '%%')
  AND (%(since)s::timestamptz IS NULL OR last_at >= %(since)s)
GROUP BY topic
ORDER BY messages DESC, topic
LIMIT %(limit)s
