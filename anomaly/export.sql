-- signals --
SELECT h.unit, s.kind, s.at, s.since, s.score::double precision, s.evidence -> 0 ->> 'zh'
FROM signal s
JOIN v_home h ON h.unit_id = s.unit_id
WHERE s.kind = ANY(%(kinds)s)
ORDER BY s.at, h.unit, s.kind
