-- housing, for detectors: what is on record of the homes; an older person alone where the newest lease says so.
CREATE VIEW v_home_facts AS
SELECT u.id AS unit_id, u.area_m2, u.contract_kw, coalesce(h.elder_alone, false) AS elder_alone
FROM unit u
LEFT JOIN LATERAL (
    SELECT household_id FROM lease WHERE unit_id = u.id ORDER BY starts_on DESC LIMIT 1
) l ON true
LEFT JOIN household h ON h.id = l.household_id;
