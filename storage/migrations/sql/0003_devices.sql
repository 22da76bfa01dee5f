-- devices: what sends, and where it hangs. History belongs to the unit, not to the device.

-- Lookup of wire/channels.py and wire/events.py for people, Grafana and psql; filled by `anju migrate`.
CREATE TABLE channel (
    code    smallint PRIMARY KEY,
    name    text NOT NULL UNIQUE,
    unit    text NOT NULL,
    metered boolean NOT NULL
);
CREATE TABLE event_type (
    code smallint PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE device (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code      text NOT NULL UNIQUE,       -- the name in its topic; random, no address in it
    profile   text NOT NULL,              -- a file of devices/profiles/
    serial    text NOT NULL DEFAULT '',
    estate_id integer NOT NULL REFERENCES estate,
    status    text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'retired'))
);

-- One channel of one device serves one unit (or an entrance) over a period. channel 0 = its events.
CREATE TABLE installation (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id  integer NOT NULL REFERENCES device,
    channel    smallint NOT NULL REFERENCES channel (code),
    unit_id    integer REFERENCES unit,
    entrance   text,
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz,
    multiplier double precision NOT NULL DEFAULT 1 CHECK (multiplier > 0),
    UNIQUE (device_id, channel, valid_from),
    CHECK ((unit_id IS NULL) <> (entrance IS NULL)),
    CHECK (valid_to IS NULL OR valid_from < valid_to),
    EXCLUDE USING gist (device_id WITH =, channel WITH =, tstzrange(valid_from, valid_to) WITH &&),
    -- one meter a unit and channel at a time; locks may be several
    EXCLUDE USING gist (unit_id WITH =, channel WITH =, tstzrange(valid_from, valid_to) WITH &&)
        WHERE (unit_id IS NOT NULL AND channel <> 0)
);
CREATE INDEX installation_unit ON installation (unit_id, channel);

-- Counts the changes of device and installation. Ingest reads it in every batch, under the shared side of
-- the lock that a change holds: no reading is stored by a registry that is out of date.
CREATE TABLE registry_version (
    id      smallint PRIMARY KEY CHECK (id = 1),
    version bigint NOT NULL
);
INSERT INTO registry_version VALUES (1, 1);

-- For other rooms: which device channel serves which unit or entrance, and when.
CREATE VIEW v_source AS
SELECT i.id AS installation_id, i.device_id, d.code AS device, d.serial, d.profile, d.status, d.estate_id,
       i.channel, i.unit_id, i.entrance, i.valid_from, i.valid_to, i.multiplier
FROM installation i
JOIN device d ON d.id = i.device_id;
