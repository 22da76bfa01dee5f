-- devices: who speaks for whom. A child of a gateway is known by its address there.

ALTER TABLE device
    ADD COLUMN gateway_id integer REFERENCES device,
    ADD COLUMN address text,              -- as its format writes it: a EUI, a meter number, a name
    ADD CONSTRAINT device_child_has_address CHECK (gateway_id IS NULL OR address IS NOT NULL),
    ADD CONSTRAINT device_not_its_own_gateway CHECK (gateway_id <> id);
CREATE UNIQUE INDEX device_child ON device (gateway_id, address) WHERE gateway_id IS NOT NULL;
CREATE INDEX device_address ON device (address) WHERE address IS NOT NULL;
