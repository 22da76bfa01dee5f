-- rates --
-- Of homes let at the end of a period: how many were asked about within it, visited for it, and confirmed.
WITH home AS (
    SELECT u.id AS unit_id, e.code AS estate, h.size, h.elder_alone
    FROM unit u
    JOIN estate e ON e.id = u.estate_id
    JOIN lease l ON l.unit_id = u.id AND %(until)s::date BETWEEN l.starts_on AND l.ends_on
    JOIN household h ON h.id = l.household_id
    WHERE %(everything)s OR u.estate_id = ANY(%(estate_ids)s)
), asked AS (
    SELECT l.unit_id, bool_or(v.visited) AS visited, bool_or(l.status = 'confirmed') AS confirmed
    FROM lead l
    CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT FROM verdict v WHERE v.lead_id = l.id AND v.source = 'visit'
                         AND v.outcome <> 'reopened') AS visited
    ) v
    WHERE l.kind = ANY(%(inspected)s) AND l.opened_at >= %(since)s::date AND l.opened_at < %(until)s::date + 1
    GROUP BY l.unit_id
)
SELECT g.grouping, g.value, count(*), count(a.unit_id), count(*) FILTER (WHERE a.visited),
       count(*) FILTER (WHERE a.confirmed)
FROM home
LEFT JOIN asked a USING (unit_id)
CROSS JOIN LATERAL (VALUES
    (1, 'all', ''),
    (2, 'household_size', CASE WHEN size >= %(largest)s THEN %(largest)s || '+' ELSE size::text END),
    (3, 'elder_alone', CASE WHEN elder_alone THEN 'yes' ELSE 'no' END),
    (4, 'estate', estate)
) AS g (place, grouping, value)
GROUP BY g.place, g.grouping, g.value
ORDER BY g.place, g.value
