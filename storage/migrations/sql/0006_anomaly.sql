-- anomaly: features, and what detectors say.

-- One unit and one local day of its estate. NULL: unknown.
CREATE TABLE unit_day (
    computed_at      timestamptz NOT NULL,
    day              date NOT NULL,
    unit_id          integer NOT NULL,
    energy_kwh       real,
    energy_seen_h    smallint NOT NULL,   -- hours with measured consumption
    energy_active_h  smallint,            -- hours clearly above standby
    standby_kw       real,
    water_l          real,
    water_seen_h     smallint NOT NULL,
    water_active_h   smallint,
    water_zero_h     smallint,            -- hours without flow
    water_night_l    real,                -- smallest night hour
    entries          smallint,            -- NULL: no live lock
    entries_unknown  smallint,            -- of people who are not registered there that day
    doors            smallint,
    energy_alive     boolean,             -- sign of life: true alive, false quiet, NULL unknown
    water_alive      boolean,
    door_alive       boolean,
    absent           boolean NOT NULL,    -- a registered absence covers the day
    UNIQUE (unit_id, day)
);

-- One detector's answer for one unit as of the end of one local day. A lead, never a finding.
CREATE TABLE signal (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id  integer NOT NULL,
    kind     text NOT NULL,
    as_of    date NOT NULL,
    at       timestamptz NOT NULL,        -- what had arrived by then was used, nothing later
    since    timestamptz NOT NULL,        -- claimed start
    since_pm_days real NOT NULL DEFAULT 0,-- its uncertainty
    score    real NOT NULL,               -- 0 to 1, comparable within a kind
    evidence jsonb NOT NULL,              -- list of {code, weight, zh, en, source, from, to, numbers}
    quality  jsonb NOT NULL,              -- what data it rests on
    detector text NOT NULL,               -- name and version: idle/1
    policy   text NOT NULL,               -- version of the policy used
    UNIQUE (unit_id, kind, as_of)
);
CREATE INDEX signal_as_of ON signal (as_of, kind);

-- For other rooms.
CREATE VIEW v_unit_day AS SELECT * FROM unit_day;
CREATE VIEW v_signal AS SELECT * FROM signal;
