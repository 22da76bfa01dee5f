-- devices: of a cut that was not given back, where it was made. A retired device gives nothing
-- back: the supply is restored by hand, or by what took its place.
CREATE OR REPLACE VIEW v_cut AS
SELECT cut.id AS command_id, cut.device_id, cut.name, cut.reason, cut.ended_at AS since, d.estate_id,
       d.status = 'active' AS active, u.unit_id
FROM (
    SELECT DISTINCT ON (device_id, name IN ('valve_open', 'valve_close')) *
    FROM command
    WHERE status = 'acknowledged' AND name IN ('relay_open', 'relay_close', 'valve_open', 'valve_close')
    ORDER BY device_id, name IN ('valve_open', 'valve_close'), ended_at DESC
) cut
JOIN device d ON d.id = cut.device_id
LEFT JOIN LATERAL (
    SELECT min(i.unit_id) AS unit_id
    FROM installation i
    WHERE i.device_id = cut.device_id AND i.valid_from <= cut.ended_at
      AND (i.valid_to IS NULL OR i.valid_to > cut.ended_at)
    HAVING count(DISTINCT i.unit_id) = 1
) u ON true
WHERE cut.name IN ('relay_open', 'valve_close');
