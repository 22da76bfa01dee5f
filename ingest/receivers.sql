-- is_limited --
-- Whether a device was above its rate with a message that arrived at this time.
SELECT 1 FROM device d JOIN device_sign s ON s.device_id = d.id
WHERE d.code = %(sender)s AND s.limited_at >= timestamptz 'epoch' + %(at)s * interval '1 microsecond'
