-- housing: a lead whose data turned out not to be this home's is withdrawn, with the reason.

ALTER TABLE lead DROP CONSTRAINT lead_status_check;
ALTER TABLE lead ADD CONSTRAINT lead_status_check
    CHECK (status IN ('open', 'confirmed', 'refuted', 'dismissed', 'withdrawn'));

-- What became of a lead when the data behind it moved to another home. An open one is withdrawn; one that a
-- person decided stays as decided and is flagged for a person, and cleared if the data moves back.
CREATE TABLE lead_withdrawal (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lead_id   integer NOT NULL REFERENCES lead,
    at        timestamptz NOT NULL,
    by        text NOT NULL,              -- who corrected the binding
    effect    text NOT NULL CHECK (effect IN ('withdrawn', 'flagged', 'cleared')),
    status    text NOT NULL,              -- of the lead before
    reason    text NOT NULL,              -- closed list in housing/withdrawals.py
    change_id integer NOT NULL,           -- devices: installation_change
    UNIQUE (lead_id, change_id)
);
CREATE TRIGGER lead_withdrawal_append_only BEFORE UPDATE OR DELETE ON lead_withdrawal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lead_withdrawal_no_truncate BEFORE TRUNCATE ON lead_withdrawal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- For whoever cited a lead, cases above all: what no longer stands, and why.
CREATE VIEW v_withdrawal AS
SELECT w.id, w.lead_id, l.unit_id, l.kind, w.at, w.by, w.effect, w.status, w.reason, w.change_id
FROM lead_withdrawal w
JOIN lead l ON l.id = w.lead_id;
