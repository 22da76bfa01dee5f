-- housing: the human side. A lead copies its evidence when it is raised.

CREATE TABLE lead (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id        integer NOT NULL REFERENCES unit,
    kind           text NOT NULL,
    status         text NOT NULL DEFAULT 'open'
        CHECK (status IN ('open', 'confirmed', 'refuted', 'dismissed')),
    opened_at      timestamptz NOT NULL,
    last_signal_at timestamptz NOT NULL,  -- `at` of the newest signal behind it
    last_as_of     date NOT NULL,
    since          timestamptz NOT NULL,
    since_pm_days  real NOT NULL DEFAULT 0,
    score          real NOT NULL,
    evidence       jsonb NOT NULL,
    quality        jsonb NOT NULL,
    detector       text NOT NULL,
    policy         text NOT NULL,
    closed_at      timestamptz,
    version        integer NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX lead_one_open ON lead (unit_id, kind) WHERE status = 'open';
CREATE INDEX lead_unit ON lead (unit_id);

CREATE TABLE verdict (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lead_id integer NOT NULL REFERENCES lead,
    outcome text NOT NULL CHECK (outcome IN ('confirmed', 'refuted', 'dismissed', 'reopened')),
    code    text NOT NULL,                -- closed list in housing/verdicts.py
    source  text NOT NULL,                -- desk, visit, call
    by      text NOT NULL,                -- account
    at      timestamptz NOT NULL,
    note    text NOT NULL DEFAULT ''
);
CREATE INDEX verdict_lead ON verdict (lead_id);
CREATE TRIGGER verdict_append_only BEFORE UPDATE OR DELETE ON verdict
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER verdict_no_truncate BEFORE TRUNCATE ON verdict
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A lead with the home it is about.
CREATE VIEW v_lead AS
SELECT l.*, u.code AS unit, u.estate_id, e.code AS estate, e.city, e.time_zone, b.code AS building, u.stair,
       u.floor, u.door
FROM lead l
JOIN unit u ON u.id = l.unit_id
JOIN estate e ON e.id = u.estate_id
JOIN building b ON b.id = u.building_id;
