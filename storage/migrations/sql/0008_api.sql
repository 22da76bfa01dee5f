-- api: who may do what. Roles and permissions are data.

CREATE TABLE role (
    code text PRIMARY KEY,
    zh   text NOT NULL,
    en   text NOT NULL
);
INSERT INTO role VALUES
    ('resident',     '住户',     'resident'),
    ('supervisor',   '物业监管', 'property supervisor'),
    ('enforcement',  '执法人员', 'enforcement staff'),
    ('reviewer',     '复核人员', 'reviewer'),
    ('city_officer', '市级主管', 'city officer'),
    ('operator',     '系统运维', 'operator'),
    ('auditor',      '审计人员', 'auditor');

CREATE TABLE role_permission (
    role   text NOT NULL REFERENCES role,
    action text NOT NULL,
    PRIMARY KEY (role, action)
);
INSERT INTO role_permission VALUES
    ('supervisor', 'unit.read'), ('supervisor', 'usage.read'), ('supervisor', 'reading.read'),
    ('supervisor', 'signal.read'), ('supervisor', 'lead.read'), ('supervisor', 'lead.confirm'),
    ('supervisor', 'lead.refute'), ('supervisor', 'lead.dismiss'), ('supervisor', 'lead.reopen'),
    ('enforcement', 'unit.read'), ('enforcement', 'usage.read'), ('enforcement', 'reading.read'),
    ('enforcement', 'signal.read'), ('enforcement', 'lead.read'), ('enforcement', 'lead.confirm'),
    ('enforcement', 'lead.refute'), ('enforcement', 'lead.dismiss'), ('enforcement', 'lead.reopen'),
    ('enforcement', 'resident.read'),
    ('reviewer', 'unit.read'), ('reviewer', 'signal.read'), ('reviewer', 'lead.read'),
    ('city_officer', 'unit.read'), ('city_officer', 'signal.read'), ('city_officer', 'lead.read'),
    ('operator', 'unit.read'), ('operator', 'usage.read'), ('operator', 'reading.read'),
    ('operator', 'signal.read'), ('operator', 'status.read'), ('operator', 'quarantine.read'),
    ('auditor', 'audit.read');

CREATE TABLE account (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username      text NOT NULL UNIQUE,
    display_name  text NOT NULL DEFAULT '',
    password_hash text NOT NULL,
    role          text NOT NULL REFERENCES role,
    all_estates   boolean NOT NULL DEFAULT false,
    active        boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL
);

-- Failed log-ins, by hash of the name that was tried: an unknown name waits exactly like a known one.
CREATE TABLE login_failure (
    name_hash    bytea PRIMARY KEY,       -- sha256
    failures     integer NOT NULL,
    last_at      timestamptz NOT NULL,
    locked_until timestamptz
);

CREATE TABLE account_estate (
    account_id integer NOT NULL REFERENCES account,
    estate_id  integer NOT NULL REFERENCES estate,
    PRIMARY KEY (account_id, estate_id)
);

CREATE TABLE login_session (
    token_hash bytea PRIMARY KEY,         -- sha256 of what the client holds
    account_id integer NOT NULL REFERENCES account,
    kind       text NOT NULL CHECK (kind IN ('cookie', 'bearer')),
    csrf       text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX login_session_account ON login_session (account_id);
