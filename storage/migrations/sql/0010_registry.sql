-- devices: who speaks for whom, and what was done to installations, by whom, why.

-- A child of a gateway is known by its address there.
ALTER TABLE device
    ADD COLUMN gateway_id integer REFERENCES device,
    ADD COLUMN address text,              -- as its format writes it: a EUI, a meter number, a name
    ADD CONSTRAINT device_child_has_address CHECK (gateway_id IS NULL OR address IS NOT NULL),
    ADD CONSTRAINT device_not_its_own_gateway CHECK (gateway_id <> id);
CREATE UNIQUE INDEX device_child ON device (gateway_id, address) WHERE gateway_id IS NOT NULL;
CREATE INDEX device_address ON device (address) WHERE address IS NOT NULL;
CREATE INDEX device_serial ON device (serial) WHERE serial <> '';

-- One meter a home and channel at a time holds for what becomes consumption (codes 1 to 9); several devices
-- may tell of their batteries, or of the temperature of their rooms.
ALTER TABLE installation DROP CONSTRAINT installation_unit_id_channel_tstzrange_excl;
ALTER TABLE installation ADD CONSTRAINT installation_one_meter
    EXCLUDE USING gist (unit_id WITH =, channel WITH =, tstzrange(valid_from, valid_to) WITH &&)
    WHERE (unit_id IS NOT NULL AND channel BETWEEN 1 AND 9);

-- One act of a person on installations. What was believed before stays readable.
CREATE TABLE installation_change (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    by      text NOT NULL,                -- account, or `system:<command>`
    act     text NOT NULL CHECK (act IN ('commission', 'swap', 'move', 'retire', 'correct', 'undo')),
    reason  text NOT NULL DEFAULT '',     -- of a correction: closed list in devices/corrections.py
    note    text NOT NULL DEFAULT '',
    undoes  integer UNIQUE REFERENCES installation_change,
    CHECK ((act = 'undo') = (undoes IS NOT NULL))
);

-- The installations of every device channel that an act touched, before and after it.
CREATE TABLE installation_version (
    change_id  integer NOT NULL REFERENCES installation_change,
    is_after   boolean NOT NULL,
    device_id  integer NOT NULL REFERENCES device,
    channel    smallint NOT NULL,
    unit_id    integer,
    entrance   text,
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz,
    multiplier double precision NOT NULL,
    PRIMARY KEY (change_id, is_after, device_id, channel, valid_from)
);
CREATE INDEX installation_version_device ON installation_version (device_id);

-- Devices that an act retired (or its undoing brought back).
CREATE TABLE device_retirement (
    change_id integer NOT NULL REFERENCES installation_change,
    device_id integer NOT NULL REFERENCES device,
    retired   boolean NOT NULL,
    PRIMARY KEY (change_id, device_id)
);

-- Days of homes that rest on other data since an act; from the first to the last reading concerned.
CREATE TABLE installation_effect (
    change_id integer NOT NULL REFERENCES installation_change,
    unit_id   integer NOT NULL,
    channel   smallint NOT NULL,
    first_day date NOT NULL,              -- UTC
    last_day  date NOT NULL,
    PRIMARY KEY (change_id, unit_id, channel)
);

-- Two registers at the moment of an exchange, as the installer read them. NULL: not read.
CREATE TABLE meter_swap (
    change_id     integer NOT NULL REFERENCES installation_change,
    channel       smallint NOT NULL,
    old_device_id integer NOT NULL REFERENCES device,
    new_device_id integer NOT NULL REFERENCES device,
    unit_id       integer,
    at            timestamptz NOT NULL,
    old_final     double precision,
    new_first     double precision,
    PRIMARY KEY (change_id, channel)
);

-- Whether the right home moved when somebody switched something on there.
CREATE TABLE installation_check (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id integer NOT NULL REFERENCES device,
    unit_id   integer NOT NULL,           -- where it was believed to be
    channel   smallint NOT NULL,
    begun_at  timestamptz NOT NULL,
    begun_by  text NOT NULL,
    ended_at  timestamptz,
    ended_by  text,
    outcome   text CHECK (outcome IN ('right', 'other', 'several', 'nothing', 'given_up')),
    moved_id  integer REFERENCES device,  -- outcome `other`: which device moved instead
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX installation_check_device ON installation_check (device_id, begun_at);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['installation_change', 'installation_version', 'device_retirement',
                                'installation_effect', 'meter_swap'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW'
                       ' EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT'
                       ' EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
END $$;

-- For other rooms: which days of which homes rest on other data since an act, and who did it why.
CREATE VIEW v_rebinding AS
SELECT e.change_id, c.at, c.by, c.act, c.reason, c.undoes, e.unit_id, e.channel, e.first_day, e.last_day
FROM installation_effect e
JOIN installation_change c ON c.id = e.change_id;

-- The days of homes that rest on stretches of device channels. A register's step reaches from the sound
-- reading before a stretch to the one after it; a device that watches a door is heard by whatever it sends.
CREATE FUNCTION days_resting_on(units integer[], of_devices integer[], channels smallint[],
                                froms timestamptz[], tos timestamptz[], without integer, events smallint)
RETURNS TABLE (unit_id integer, channel smallint, day date) LANGUAGE sql STABLE AS $$
    WITH stretch AS (
        SELECT s.unit_id, s.device_id, s.channel, s.since, coalesce(s.until, 'infinity') AS until
        FROM unnest(units, of_devices, channels, froms, tos) AS s (unit_id, device_id, channel, since, until)
    )
    SELECT DISTINCT s.unit_id, s.channel, d.first + n
    FROM stretch s
    CROSS JOIN LATERAL (
        SELECT (SELECT r.time FROM v_reading r
                WHERE r.device_id = s.device_id AND r.channel = s.channel AND r.quality & without = 0
                  AND r.time < s.since ORDER BY r.time DESC LIMIT 1) AS before,
               (SELECT r.time FROM v_reading r
                WHERE r.device_id = s.device_id AND r.channel = s.channel AND r.quality & without = 0
                  AND r.time >= s.until ORDER BY r.time LIMIT 1) AS after,
               (SELECT min(r.time) FROM v_reading r
                WHERE r.device_id = s.device_id AND r.channel = s.channel AND r.quality & without = 0
                  AND r.time >= s.since AND r.time < s.until) AS first,
               (SELECT max(r.time) FROM v_reading r
                WHERE r.device_id = s.device_id AND r.channel = s.channel AND r.quality & without = 0
                  AND r.time >= s.since AND r.time < s.until) AS last
    ) t
    CROSS JOIN LATERAL (
        SELECT (coalesce(t.before, t.first) AT TIME ZONE 'UTC')::date AS first,
               (coalesce(t.after, t.last) AT TIME ZONE 'UTC')::date AS last
        WHERE t.first IS NOT NULL OR (t.before IS NOT NULL AND t.after IS NOT NULL)
    ) d
    CROSS JOIN LATERAL generate_series(0, d.last - d.first) AS n
    UNION
    SELECT s.unit_id, s.channel, (e.time AT TIME ZONE 'UTC')::date
    FROM stretch s
    JOIN v_event e ON e.device_id = s.device_id AND e.time >= s.since AND e.time < s.until
    WHERE s.channel = events AND e.quality & without = 0
    UNION
    SELECT s.unit_id, s.channel, (r.time AT TIME ZONE 'UTC')::date
    FROM stretch s
    JOIN v_reading r ON r.device_id = s.device_id AND r.time >= s.since AND r.time < s.until
    WHERE s.channel = events AND r.quality & without = 0
$$;
