-- housing, for learning: the decision that stands on each lead.
CREATE VIEW v_judged AS
SELECT l.id AS lead_id, l.unit_id, e.city, l.kind, l.score, l.detector, v.outcome, v.code, v.source, v.at
FROM lead l
JOIN unit u ON u.id = l.unit_id
JOIN estate e ON e.id = u.estate_id
JOIN LATERAL (
    SELECT outcome, code, source, at FROM verdict WHERE lead_id = l.id ORDER BY id DESC LIMIT 1
) v ON v.outcome <> 'reopened';

-- anomaly: what verdicts taught about a detector's scores, in one city. The newest that is not taken back and was
-- made by an evening holds for it.
CREATE TABLE calibration (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    city      text NOT NULL,
    family    text NOT NULL,              -- people, vacancy
    detector  text NOT NULL,              -- name and version of the detector whose scores these are
    made_at   timestamptz NOT NULL,
    -- logit of the probability = intercept + slope * logit of the detector's own
    intercept double precision NOT NULL,
    slope     double precision NOT NULL CHECK (slope > 0),
    unit_years integer NOT NULL,          -- homes and years that it was learned from ...
    confirmed integer NOT NULL,           -- ... and in how many of them the lead was confirmed
    lots      integer NOT NULL,           -- visits by lot among them
    first_at  timestamptz NOT NULL,       -- of the verdicts
    last_at   timestamptz NOT NULL,
    error_before double precision NOT NULL, -- expected calibration error on these verdicts, before and after
    error_after  double precision NOT NULL,
    policy    text NOT NULL
);

-- Whoever took one back, and why; the one before it holds again.
CREATE TABLE calibration_rollback (
    calibration_id integer PRIMARY KEY REFERENCES calibration,
    at     timestamptz NOT NULL,
    by     text NOT NULL,
    reason text NOT NULL
);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['calibration', 'calibration_rollback'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW'
                       ' EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT'
                       ' EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
END $$;
