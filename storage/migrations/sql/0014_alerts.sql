-- alerts: a hazard or a device fault that somebody should look at.

CREATE TABLE alert (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin          text NOT NULL,        -- who it is about: `device:17`, `device:17:water_l`, `ingest`
    kind            text NOT NULL,        -- alerts.kinds
    severity        text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    status          text NOT NULL DEFAULT 'open'
        CHECK (status IN ('open', 'acknowledged', 'in_progress', 'resolved', 'closed')),
    estate_id       integer REFERENCES estate, -- null: of the installation as a whole
    unit_id         integer REFERENCES unit,
    device_id       integer REFERENCES device,
    since           timestamptz NOT NULL,
    raised_at       timestamptz NOT NULL, -- first
    seen_at         timestamptz NOT NULL, -- the newest pass that found it
    cleared_at      timestamptz,          -- what it was raised for is over
    times           integer NOT NULL DEFAULT 1, -- raised so often: what comes again soon is the same alert
    closed_at       timestamptz,
    detail          jsonb NOT NULL DEFAULT '{}',
    version         integer NOT NULL DEFAULT 1, -- counts what persons did, and each time it is raised again
    CHECK ((status = 'closed') = (closed_at IS NOT NULL))
);
-- One alert an origin and kind whose cause goes on; later passes update it.
CREATE UNIQUE INDEX alert_one_active ON alert (origin, kind) WHERE cleared_at IS NULL;
CREATE INDEX alert_over ON alert (origin, kind, cleared_at) WHERE cleared_at IS NOT NULL;
CREATE INDEX alert_estate ON alert (estate_id, id);
CREATE INDEX alert_waiting ON alert (status, id) WHERE status <> 'closed';

-- What became of an alert: by persons, and by being raised again.
CREATE TABLE alert_step (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id    integer NOT NULL REFERENCES alert,
    action      text NOT NULL CHECK (action IN ('acknowledge', 'progress', 'resolve', 'close', 'undo', 'raise')),
    from_status text NOT NULL,
    to_status   text NOT NULL,
    by          text NOT NULL,            -- account, or `system:worker`
    at          timestamptz NOT NULL,
    note        text NOT NULL DEFAULT ''
);
CREATE INDEX alert_step_alert ON alert_step (alert_id);
CREATE TRIGGER alert_step_append_only BEFORE UPDATE OR DELETE ON alert_step
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER alert_step_no_truncate BEFORE TRUNCATE ON alert_step
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
