-- housing: who may live where, since when. Personal columns (…_enc) hold AES-GCM boxes made by
-- storage.personal; …_hash is a keyed hash to find a row without opening it.

CREATE TABLE estate (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code      text NOT NULL UNIQUE,
    name      text NOT NULL,
    name_en   text NOT NULL DEFAULT '',
    city      text NOT NULL,              -- a file of policy/
    time_zone text NOT NULL DEFAULT 'Asia/Shanghai'
);

CREATE TABLE building (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    estate_id integer NOT NULL REFERENCES estate,
    code      text NOT NULL,
    name      text NOT NULL DEFAULT '',
    UNIQUE (estate_id, code)
);

CREATE TABLE unit (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    estate_id   integer NOT NULL REFERENCES estate,
    building_id integer NOT NULL REFERENCES building,
    code        text NOT NULL,            -- what people say: 3-2-0703
    stair       text NOT NULL DEFAULT '', -- 单元 of the building
    floor       smallint NOT NULL,
    door        text NOT NULL,            -- 0703
    area_m2     real,
    rooms       smallint,
    contract_kw real,                     -- contracted power
    UNIQUE (estate_id, code)
);
CREATE INDEX unit_building ON unit (building_id);

CREATE TABLE household (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        text NOT NULL UNIQUE,
    size        smallint NOT NULL CHECK (size > 0),
    elder_alone boolean NOT NULL DEFAULT false
);

CREATE TABLE resident (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code         text NOT NULL UNIQUE,
    household_id integer REFERENCES household,
    subject      text NOT NULL,           -- the pseudonym that readers at doors report
    name_enc     bytea,
    phone_enc    bytea,
    id_no_enc    bytea,
    id_no_hash   bytea
);
CREATE INDEX resident_subject ON resident (subject);
CREATE INDEX resident_id_no ON resident (id_no_hash);

CREATE TABLE lease (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code         text NOT NULL UNIQUE,
    unit_id      integer NOT NULL REFERENCES unit,
    household_id integer NOT NULL REFERENCES household,
    starts_on    date NOT NULL,
    ends_on      date NOT NULL,
    CHECK (starts_on <= ends_on),
    -- checked at the end of a statement: an import may move two leases in one
    EXCLUDE USING gist (unit_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&)
        DEFERRABLE INITIALLY IMMEDIATE
);

-- Who is registered to live in a unit, from when to when.
CREATE TABLE occupant (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id     integer NOT NULL REFERENCES unit,
    resident_id integer NOT NULL REFERENCES resident,
    lease_id    integer REFERENCES lease,
    relation    text NOT NULL DEFAULT 'tenant',
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz,
    UNIQUE (unit_id, resident_id, starts_at),
    CHECK (ends_at IS NULL OR starts_at < ends_at)
);

-- A justified absence pauses the idle clock, from the moment it is known.
CREATE TABLE absence (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id       integer NOT NULL REFERENCES unit,
    registered_at timestamptz NOT NULL,
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    reason        text NOT NULL,
    approved_by   text NOT NULL DEFAULT '',
    UNIQUE (unit_id, starts_at),          -- a corrected end replaces the one before
    CHECK (starts_at < ends_at)
);

-- For other rooms: homes, and what the clocks of a home must know. No personal data.
CREATE VIEW v_home AS
SELECT u.id AS unit_id, u.code AS unit, u.estate_id, e.code AS estate, e.city, e.time_zone
FROM unit u
JOIN estate e ON e.id = u.estate_id;
CREATE VIEW v_lease AS SELECT unit_id, starts_on, ends_on FROM lease;
CREATE VIEW v_absence AS SELECT unit_id, registered_at, starts_at, ends_at FROM absence;
CREATE VIEW v_registered AS
SELECT o.unit_id, r.subject, o.starts_at, o.ends_at
FROM occupant o
JOIN resident r ON r.id = o.resident_id;
