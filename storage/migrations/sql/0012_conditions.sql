-- devices: what is wrong with a device, as of the newest pass; cleared by data.
CREATE TABLE device_condition (
    device_id integer NOT NULL REFERENCES device,
    kind      text NOT NULL,              -- devices.conditions.Kind
    channel   smallint NOT NULL DEFAULT 0,
    since     timestamptz NOT NULL,
    seen_at   timestamptz NOT NULL,       -- the newest pass that found it
    detail    jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (device_id, kind, channel)
);
