-- storage: what every room stands on.

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Who read or changed what, and why. Append-only: sealing by hash comes with the cases.
CREATE TABLE audit_log (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    actor   text NOT NULL,                -- account, or `system:<process>`
    action  text NOT NULL,                -- noun.verb, e.g. lead.confirm, resident.read
    subject text NOT NULL,                -- noun:code, e.g. unit:3-2-0703
    reason  text,
    detail  jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_subject ON audit_log (subject, at);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- How far a worker got: watermarks drive the work, not ticks.
CREATE TABLE watermark (
    name text PRIMARY KEY,
    at   timestamptz NOT NULL,
    note jsonb NOT NULL DEFAULT '{}'
);
