-- insert_swap --
INSERT INTO meter_swap (change_id, channel, old_device_id, new_device_id, unit_id, at, old_final, new_first)
VALUES (%(change_id)s, %(channel)s, %(old)s, %(new)s, %(unit_id)s, %(at)s, %(old_final)s, %(new_first)s)

-- last_register --
SELECT r.value FROM v_reading r
WHERE r.device_id = %(device_id)s AND r.channel = %(channel)s AND r.time <= %(at)s
  AND r.quality & %(not_evidence)s = 0
ORDER BY r.time DESC LIMIT 1
