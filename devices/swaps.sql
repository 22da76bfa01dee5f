-- insert_swap --
INSERT INTO meter_swap (change_id, channel, old_device_id, new_device_id, unit_id, at, old_final, new_first)
VALUES (%(change_id)s, %(channel)s, %(old)s, %(new)s, %(unit_id)s, %(at)s, %(old_final)s, %(new_first)s)

-- mark_registers --
-- The old register ends just before the moment, perhaps on the day before.
INSERT INTO usage_dirty (unit_id, channel, day)
SELECT DISTINCT s.unit_id, s.channel, (t.time AT TIME ZONE 'UTC')::date
FROM meter_swap s
CROSS JOIN LATERAL (VALUES (s.old_final, s.at - interval '1 microsecond'), (s.new_first, s.at)) AS t (value, time)
WHERE s.change_id = %(change_id)s AND s.unit_id IS NOT NULL AND t.value IS NOT NULL

-- last_register --
SELECT r.value FROM v_reading r
WHERE r.device_id = %(device_id)s AND r.channel = %(channel)s AND r.time <= %(at)s
  AND r.quality & %(not_evidence)s = 0
ORDER BY r.time DESC LIMIT 1
