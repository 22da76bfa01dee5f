-- devices: who speaks for a device, and what it is, changed by an act of a person.
ALTER TABLE installation_change DROP CONSTRAINT installation_change_act_check;
ALTER TABLE installation_change ADD CONSTRAINT installation_change_act_check CHECK (
    act IN ('commission', 'swap', 'move', 'retire', 'correct', 'undo', 'replace_gateway', 'change'));

-- Profile, gateway and address of every device whose an act changed, before and after it.
CREATE TABLE connection_version (
    change_id  integer NOT NULL REFERENCES installation_change,
    is_after   boolean NOT NULL,
    device_id  integer NOT NULL REFERENCES device,
    profile    text NOT NULL,
    gateway_id integer,
    address    text,
    PRIMARY KEY (change_id, is_after, device_id)
);
CREATE INDEX connection_version_device ON connection_version (device_id);
CREATE INDEX connection_version_gateway ON connection_version (gateway_id) WHERE gateway_id IS NOT NULL;
CREATE TRIGGER connection_version_append_only BEFORE UPDATE OR DELETE ON connection_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER connection_version_no_truncate BEFORE TRUNCATE ON connection_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
