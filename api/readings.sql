-- readings_of_unit --
-- What the devices of one home said, each while it hung there; keyset on (time, device, channel).
SELECT s.device_id, s.device, s.channel, r.time, r.received_at, r.value, r.quality
FROM v_source s
JOIN unit u ON u.id = s.unit_id
JOIN v_reading r ON r.device_id = s.device_id AND r.channel = s.channel
    AND r.time >= s.valid_from AND (s.valid_to IS NULL OR r.time < s.valid_to)
WHERE s.unit_id = %(unit_id)s
  AND (%(channel)s::smallint IS NULL OR s.channel = %(channel)s)
  AND (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))
  AND (%(from)s::timestamptz IS NULL OR r.time >= %(from)s)
  AND (%(to)s::timestamptz IS NULL OR r.time < %(to)s)
  AND (%(after_time)s::timestamptz IS NULL
       OR (r.time, s.device_id, s.channel)
          > (%(after_time)s::timestamptz, %(after_device)s::integer, %(after_channel)s::smallint))
ORDER BY r.time, s.device_id, s.channel
LIMIT %(limit)s
