-- devices: what is wrong with a device, as of the newest pass; cleared by data.
CREATE TABLE device_condition (
    device_id integer NOT NULL REFERENCES device,
    kind      text NOT NULL,              -- devices.conditions.Kind
    channel   smallint NOT NULL DEFAULT 0,
    since     timestamptz NOT NULL,
    seen_at   timestamptz NOT NULL,       -- the newest pass that found it
    detail    jsonb NOT NULL DEFAULT '{}',
    behind    integer REFERENCES device,  -- the gateway whose fault explains it …
    until     timestamptz,                -- … and which is back: so long the device has to be heard again
    PRIMARY KEY (device_id, kind, channel)
) WITH (fillfactor = 70);

-- For other rooms: with the device, and the home that it serves if that is one only.
CREATE VIEW v_device_condition AS
SELECT c.device_id, c.kind, c.channel, c.since, c.seen_at, c.detail, c.behind, d.code AS device, d.profile,
       d.estate_id, u.unit_id
FROM device_condition c
JOIN device d ON d.id = c.device_id
LEFT JOIN LATERAL (
    SELECT min(i.unit_id) AS unit_id
    FROM installation i
    WHERE i.device_id = c.device_id AND i.valid_from <= c.seen_at
      AND (i.valid_to IS NULL OR i.valid_to > c.seen_at)
    HAVING count(DISTINCT i.unit_id) = 1
) u ON true;
