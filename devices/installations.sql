-- at_keys --
-- What stands under the given keys.
SELECT i.id, i.device_id, i.channel, i.valid_from, i.unit_id, i.entrance, i.valid_to, i.multiplier
FROM installation i
JOIN unnest(%(devices)s::integer[], %(channels)s::smallint[], %(froms)s::timestamptz[])
    AS k (device_id, channel, valid_from) USING (device_id, channel, valid_from)

-- put --
-- In order of time: what ends makes room for what begins.
INSERT INTO installation (device_id, channel, valid_from, unit_id, entrance, valid_to, multiplier)
SELECT device_id, channel, valid_from, unit_id, entrance, valid_to, multiplier
FROM unnest(%(devices)s::integer[], %(channels)s::smallint[], %(froms)s::timestamptz[], %(units)s::integer[],
            %(entrances)s::text[], %(tos)s::timestamptz[], %(multipliers)s::double precision[])
    AS w (device_id, channel, valid_from, unit_id, entrance, valid_to, multiplier)
ORDER BY valid_from
ON CONFLICT (device_id, channel, valid_from) DO UPDATE
    SET unit_id = excluded.unit_id, entrance = excluded.entrance, valid_to = excluded.valid_to,
        multiplier = excluded.multiplier

-- covering --
-- The installation that is there up to a moment.
SELECT device_id, channel, valid_from, unit_id, entrance, valid_to, multiplier
FROM installation
WHERE device_id = %(device_id)s AND channel = %(channel)s
    AND valid_from < %(moment)s AND coalesce(valid_to, 'infinity') >= %(moment)s
