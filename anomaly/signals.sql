-- upsert_signals --
INSERT INTO signal (unit_id, kind, as_of, at, since, since_pm_days, score, evidence, quality, detector, policy)
SELECT r.unit_id, r.kind, r.as_of, r.at, r.since, r.since_pm_days, r.score, r.evidence::jsonb,
       r.quality::jsonb, r.detector, r.policy
FROM unnest(%(unit_id)s::integer[], %(kind)s::text[], %(as_of)s::date[], %(at)s::timestamptz[],
            %(since)s::timestamptz[], %(since_pm_days)s::real[], %(score)s::real[], %(evidence)s::text[],
            %(quality)s::text[], %(detector)s::text[], %(policy)s::text[])
     AS r (unit_id, kind, as_of, at, since, since_pm_days, score, evidence, quality, detector, policy)
ON CONFLICT (unit_id, kind, as_of) DO UPDATE
SET at = excluded.at, since = excluded.since, since_pm_days = excluded.since_pm_days,
    score = excluded.score, evidence = excluded.evidence, quality = excluded.quality,
    detector = excluded.detector, policy = excluded.policy

-- remove_signals --
-- What an earlier sweep of these homes and days said and this one does not say any more.
DELETE FROM signal s
WHERE s.unit_id = ANY(%(unit_ids)s) AND s.kind = ANY(%(kinds)s)
  AND s.as_of BETWEEN %(first)s AND %(last)s
  AND NOT EXISTS (
      SELECT FROM unnest(%(unit_id)s::integer[], %(kind)s::text[], %(as_of)s::date[])
           AS r (unit_id, kind, as_of)
      WHERE r.unit_id = s.unit_id AND r.kind = s.kind AND r.as_of = s.as_of
  )

-- first_evening --
SELECT min(as_of) FROM signal
