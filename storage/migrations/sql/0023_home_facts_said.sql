-- housing: a harmless cause that a person found in a home, so that it is not asked about again for it.
CREATE TABLE home_fact (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id    integer NOT NULL REFERENCES unit,
    code       text NOT NULL,             -- closed list in housing/facts.py
    known_at   timestamptz NOT NULL,
    ends_at    timestamptz,               -- NULL: holds
    verdict_id integer NOT NULL,         -- verdict.id
    CHECK (ends_at IS NULL OR ends_at >= known_at)
);
CREATE UNIQUE INDEX home_fact_holds ON home_fact (unit_id, code) WHERE ends_at IS NULL;

-- For detectors: what a home is known for, from when to when. Who moves in later is not known for it.
CREATE VIEW v_home_fact AS
SELECT f.id, f.unit_id, f.code, f.known_at, least(f.ends_at, following.starts_at) AS ends_at
FROM home_fact f
JOIN unit u ON u.id = f.unit_id
JOIN estate e ON e.id = u.estate_id
CROSS JOIN LATERAL (
    SELECT min(l.starts_on::timestamp AT TIME ZONE e.time_zone) AS starts_at
    FROM lease l
    WHERE l.unit_id = f.unit_id AND l.starts_on::timestamp AT TIME ZONE e.time_zone > f.known_at
) following;
