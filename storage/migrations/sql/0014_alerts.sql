-- alerts: a hazard or a device fault that somebody should look at.

CREATE TABLE alert (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin          text NOT NULL,        -- who it is about: `device:17`, `unit:4`, `ingest:ingest-0`
    kind            text NOT NULL,        -- alerts.kinds
    severity        text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    status          text NOT NULL DEFAULT 'open'
        CHECK (status IN ('open', 'acknowledged', 'in_progress', 'resolved', 'closed')),
    estate_id       integer REFERENCES estate,
    unit_id         integer REFERENCES unit,
    device_id       integer REFERENCES device,
    since           timestamptz NOT NULL,
    raised_at       timestamptz NOT NULL,
    seen_at         timestamptz NOT NULL, -- the newest pass that found it
    cleared_at      timestamptz,          -- what it was raised for is over
    acknowledged_by text,
    acknowledged_at timestamptz,
    closed_by       text,
    closed_at       timestamptz,
    note            text NOT NULL DEFAULT '',
    detail          jsonb NOT NULL DEFAULT '{}',
    version         integer NOT NULL DEFAULT 1
);
-- One active alert an origin and kind; later passes update it.
CREATE UNIQUE INDEX alert_one_active ON alert (origin, kind) WHERE cleared_at IS NULL AND closed_at IS NULL;
CREATE INDEX alert_estate ON alert (estate_id, raised_at);
