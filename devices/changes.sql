-- change --
SELECT c.id, c.at, c.by, c.act, c.reason, c.note, c.undoes, u.id AS undone_by
FROM installation_change c
LEFT JOIN installation_change u ON u.undoes = c.id
WHERE c.id = %(change_id)s

-- versions --
SELECT device_id, channel, valid_from, unit_id, entrance, valid_to, multiplier
FROM installation_version
WHERE change_id = %(change_id)s AND is_after = %(is_after)s
ORDER BY device_id, channel, valid_from

-- concerned --
-- Devices that an act touched, with what became of them.
SELECT v.device_id, r.retired
FROM (SELECT DISTINCT device_id FROM installation_version WHERE change_id = %(change_id)s
      UNION SELECT device_id FROM device_retirement WHERE change_id = %(change_id)s) v
LEFT JOIN device_retirement r ON r.change_id = %(change_id)s AND r.device_id = v.device_id

-- history --
-- What was done to a device, newest first, with what was believed before and after.
SELECT c.id, c.at, c.by, c.act, c.reason, c.note, c.undoes, u.id AS undone_by
FROM installation_change c
LEFT JOIN installation_change u ON u.undoes = c.id
WHERE EXISTS (SELECT FROM installation_version v WHERE v.change_id = c.id AND v.device_id = %(device_id)s)
   OR EXISTS (SELECT FROM device_retirement r WHERE r.change_id = c.id AND r.device_id = %(device_id)s)
   OR EXISTS (SELECT FROM connection_version v
              WHERE v.change_id = c.id AND %(device_id)s IN (v.device_id, v.gateway_id))
ORDER BY c.id DESC

-- rebindings --
SELECT r.change_id, r.by, r.act, coalesce(u.reason, r.reason) AS reason, r.unit_id, r.channel, r.first_day,
       r.last_day
FROM v_rebinding r
LEFT JOIN installation_change u ON u.id = r.undoes
WHERE r.change_id > %(after)s
ORDER BY r.change_id, r.unit_id, r.channel

-- newest_rebinding --
SELECT coalesce(max(change_id), 0) FROM installation_effect
