-- of_devices --
SELECT device_id, channel, valid_from, unit_id, entrance, valid_to, multiplier
FROM installation
WHERE device_id = ANY(%(devices)s)
ORDER BY device_id, channel, valid_from

-- taken --
-- The first home's channel of the given rows that another device serves in that period.
SELECT d.code, w.channel, u.code, i.valid_from, i.valid_to
FROM unnest(%(devices)s::integer[], %(channels)s::smallint[], %(units)s::integer[], %(froms)s::timestamptz[],
            %(tos)s::timestamptz[]) AS w (device_id, channel, unit_id, valid_from, valid_to)
JOIN installation i ON i.unit_id = w.unit_id AND i.channel = w.channel
    AND tstzrange(i.valid_from, i.valid_to) && tstzrange(w.valid_from, w.valid_to)
JOIN device d ON d.id = i.device_id
JOIN unit u ON u.id = i.unit_id
WHERE w.channel = ANY(%(metered)s) AND i.device_id <> ALL(%(concerned)s)
ORDER BY w.channel, i.valid_from
LIMIT 1

-- remove --
DELETE FROM installation i
USING unnest(%(devices)s::integer[], %(channels)s::smallint[], %(froms)s::timestamptz[])
    AS w (device_id, channel, valid_from)
WHERE i.device_id = w.device_id AND i.channel = w.channel AND i.valid_from = w.valid_from

-- add --
INSERT INTO installation (device_id, channel, valid_from, unit_id, entrance, valid_to, multiplier)
SELECT device_id, channel, valid_from, unit_id, entrance, valid_to, multiplier
FROM unnest(%(devices)s::integer[], %(channels)s::smallint[], %(froms)s::timestamptz[], %(units)s::integer[],
            %(entrances)s::text[], %(tos)s::timestamptz[], %(multipliers)s::double precision[])
    AS w (device_id, channel, valid_from, unit_id, entrance, valid_to, multiplier)

-- set_status --
UPDATE device SET status = CASE WHEN %(retired)s THEN 'retired' ELSE 'active' END WHERE id = ANY(%(devices)s)

-- insert_change --
INSERT INTO installation_change (at, by, act, reason, note, undoes)
VALUES (%(at)s, %(by)s, %(act)s, %(reason)s, %(note)s, %(undoes)s)
RETURNING id

-- insert_versions --
INSERT INTO installation_version (change_id, is_after, device_id, channel, valid_from, unit_id, entrance,
                                  valid_to, multiplier)
SELECT %(change_id)s, %(is_after)s, device_id, channel, valid_from, unit_id, entrance, valid_to, multiplier
FROM unnest(%(devices)s::integer[], %(channels)s::smallint[], %(froms)s::timestamptz[], %(units)s::integer[],
            %(entrances)s::text[], %(tos)s::timestamptz[], %(multipliers)s::double precision[])
    AS w (device_id, channel, valid_from, unit_id, entrance, valid_to, multiplier)

-- insert_retirements --
INSERT INTO device_retirement (change_id, device_id, retired)
SELECT %(change_id)s, device_id, %(retired)s FROM unnest(%(devices)s::integer[]) AS device_id

-- effects --
-- What homes would rest on other data: by home and channel the first and the last day, and how many.
SELECT unit_id, channel, min(day), max(day), count(*)
FROM days_resting_on(%(units)s::integer[], %(devices)s::integer[], %(channels)s::smallint[],
                     %(froms)s::timestamptz[], %(tos)s::timestamptz[], %(not_evidence)s, %(events)s::smallint)
GROUP BY unit_id, channel
ORDER BY unit_id, channel

-- mark --
-- The same days are marked; ingest appends its own marks under the lock that this transaction holds alone.
WITH marked AS (
    INSERT INTO usage_dirty (unit_id, channel, day)
    SELECT unit_id, channel, day
    FROM days_resting_on(%(units)s::integer[], %(devices)s::integer[], %(channels)s::smallint[],
                         %(froms)s::timestamptz[], %(tos)s::timestamptz[], %(not_evidence)s,
                         %(events)s::smallint)
    RETURNING unit_id, channel, day
), effect AS (
    INSERT INTO installation_effect (change_id, unit_id, channel, first_day, last_day)
    SELECT %(change_id)s, unit_id, channel, min(day), max(day) FROM marked GROUP BY unit_id, channel
)
SELECT unit_id, channel, min(day), max(day), count(*)
FROM marked
GROUP BY unit_id, channel
ORDER BY unit_id, channel

-- retired_now --
SELECT id FROM device WHERE id = ANY(%(devices)s) AND status = 'retired'
