-- devices, for usage: what was read off two registers at an exchange, as readings of theirs. The old one's is
-- the last before it is taken down, the new one's the first. People write down whole units: what shows no more
-- places than the last report is that report.
CREATE INDEX meter_swap_old ON meter_swap (old_device_id, channel);
CREATE INDEX meter_swap_new ON meter_swap (new_device_id, channel);

CREATE VIEW v_swap_reading AS
SELECT s.old_device_id AS device_id, s.channel, s.at - interval '1 microsecond' AS time, c.at AS received_at,
       CASE WHEN floor(reported.value) <= s.old_final THEN greatest(reported.value, s.old_final)
            ELSE s.old_final END AS value,
       1024::smallint AS quality  -- READ_OFF
FROM meter_swap s
JOIN installation_change c ON c.id = s.change_id
LEFT JOIN LATERAL (
    SELECT r.value FROM v_reading r
    WHERE r.device_id = s.old_device_id AND r.channel = s.channel AND r.time < s.at
      AND r.quality & 7 = 0  -- neither CLOCK_SUSPECT nor CONFLICT nor IDENTITY_UNPROVEN
    ORDER BY r.time DESC LIMIT 1
) reported ON true
WHERE s.old_final IS NOT NULL AND NOT EXISTS (SELECT FROM installation_change u WHERE u.undoes = c.id)
UNION ALL
SELECT s.new_device_id, s.channel, s.at, c.at, s.new_first, 1024::smallint
FROM meter_swap s
JOIN installation_change c ON c.id = s.change_id
WHERE s.new_first IS NOT NULL AND NOT EXISTS (SELECT FROM installation_change u WHERE u.undoes = c.id)
  AND NOT EXISTS (SELECT FROM v_reading r  -- what a device reports counts before what is read off it
                  WHERE r.device_id = s.new_device_id AND r.channel = s.channel AND r.time = s.at
                    AND r.quality & 5 = 0);
