-- usage: consumption, derived once.

-- One unit, one metered channel, one UTC day. Arrays of 24, element 1 = hour 0 UTC.
CREATE TABLE usage (
    computed_at timestamptz NOT NULL,
    day         date NOT NULL,
    unit_id     integer NOT NULL,
    channel     smallint NOT NULL,
    quality     smallint NOT NULL DEFAULT 0,
    amount      real[] NOT NULL,          -- in the channel's unit; NaN: unknown, never zero
    covered_min smallint[] NOT NULL,      -- minutes of the hour that were measured; 0: unknown or spread
    lag_h       smallint[] NOT NULL,      -- whole hours from the hour's start until it was known
    UNIQUE (unit_id, channel, day)
);

-- Append-only marks; the worker deletes what it sees, then recomputes. channel 0: events of the unit.
-- The one table that others than its owner write: ingest, devices and housing append a mark in the
-- transaction that changes what a day rests on. Only usage reads and deletes. A function in between would
-- take away the COPY that ingest appends with, and say no more (tests/unit/test_table_owners.py holds it).
CREATE TABLE usage_dirty (
    unit_id integer NOT NULL,
    channel smallint NOT NULL,
    day     date NOT NULL
);

-- Where a register cannot be taken as it stands, with the readings before and after, as the device said them.
-- Derived like `usage`: a late reading may take a fault back.
CREATE TABLE usage_fault (
    time      timestamptz NOT NULL,       -- of the reading that does not fit
    before    double precision NOT NULL,  -- NaN: none
    after     double precision NOT NULL,
    unit_id   integer NOT NULL,
    device_id integer NOT NULL,
    channel   smallint NOT NULL,
    kind      text NOT NULL,              -- usage.series.FaultKind
    PRIMARY KEY (unit_id, channel, time, device_id)
);

-- For other rooms.
CREATE VIEW v_usage AS SELECT * FROM usage;
CREATE VIEW v_usage_fault AS SELECT * FROM usage_fault;
