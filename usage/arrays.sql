-- hours --
-- A unit a row: its days, and for each day an array of 24 in binary.
SELECT w.unit_id, h.days, h.amounts, h.covereds, h.lags
FROM unnest(%(units)s::integer[]) AS w (unit_id)
CROSS JOIN LATERAL (
    SELECT array_send(array_agg(u.day)) AS days, string_agg(array_send(u.amount), ''::bytea) AS amounts,
        string_agg(array_send(u.covered_min), ''::bytea) AS covereds,
        string_agg(array_send(u.lag_h), ''::bytea) AS lags
    FROM usage u
    WHERE u.unit_id = w.unit_id AND u.channel = %(channel)s AND u.day BETWEEN %(first)s AND %(last)s
) h
WHERE h.days IS NOT NULL
